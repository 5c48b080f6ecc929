// SPDX-License-Identifier: BSD-3-Clause
// Which destinations a usage class may connect to: rules in written order, the first that matches decides. Immutable
// once published; lookups are noexcept and allocate nothing. Workers ask it for desktops, the control core for what the
// gateway opens itself. The same lists serve any number of tables; what changes with DNS is beside them.
#pragma once

#include "dataplane/packet/ip_address.h"
#include "dataplane/packet/prefix_map.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace foregate::dataplane {

enum class AccessAction : std::uint8_t { allow, deny };

/// For one name, or one prefix, or (with neither) every destination.
struct AccessRule {
    AccessAction action = AccessAction::deny;
    std::string name;               ///< lower case, no trailing dot; with everything below it, unless `exact`
    bool exact = false;
    std::optional<IpPrefix> prefix;
    std::uint16_t first_port = 0;   ///< 0..65535: any port, and protocols without ports
    std::uint16_t last_port = 0xffff;
    std::uint8_t protocol = 0;      ///< 0: any
};

struct AccessList {
    std::vector<AccessRule> rules;
    AccessAction otherwise = AccessAction::allow; ///< what no rule matches
};

/// Where a connection goes. `port` is 0 for protocols without ports.
struct AccessTarget {
    IpAddress server{};
    std::uint16_t port = 0;
    std::uint8_t protocol = 0;
};

struct AccessAnswer {
    static constexpr std::uint16_t kDefault = 0xffff; ///< no rule matched
    AccessAction action = AccessAction::allow;
    std::uint16_t rule = kDefault; ///< index in the class's list
    [[nodiscard]] bool denied() const noexcept { return action == AccessAction::deny; }
    bool operator==(const AccessAnswer&) const noexcept = default;
};

/// One class's rules, compiled: chains of address rules by prefix, and name rules by name.
class CompiledAccessList {
public:
    static constexpr std::size_t kMostRules = 4096;

    /// Throws std::invalid_argument for more than kMostRules.
    explicit CompiledAccessList(const AccessList& list);

    /// By rules without names only.
    [[nodiscard]] AccessAnswer by_address(const AccessTarget& target) const noexcept;
    /// By all rules, of which the name rules are compared with `names`.
    [[nodiscard]] AccessAnswer by_names(std::span<const std::string_view> names, const AccessTarget& target) const noexcept;
    /// Is there a rule that would allow the target under some name, before another denies it by its address?
    [[nodiscard]] bool name_may_allow(const AccessTarget& target) const noexcept;
    /// The rule that denies the name at every port, if no earlier one allows it at any.
    [[nodiscard]] std::optional<std::uint16_t> denies_question(std::string_view name) const noexcept;

private:
    struct Step {
        std::uint16_t first_port = 0;
        std::uint16_t last_port = 0xffff;
        std::uint16_t rule = 0;
        std::uint8_t protocol = 0;
        AccessAction action = AccessAction::deny;
        [[nodiscard]] bool takes(const AccessTarget& target) const noexcept {
            return target.port >= first_port && target.port <= last_port &&
                   (protocol == 0 || protocol == target.protocol);
        }
        [[nodiscard]] bool takes_all() const noexcept {
            return first_port == 0 && last_port == 0xffff && protocol == 0;
        }
    };
    struct Chain {
        std::uint32_t first = 0;
        std::uint32_t count = 0;
    };
    struct NameSteps {
        std::vector<Step> below; ///< for the name and what is below it
        std::vector<Step> exact;
    };
    struct NameHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view name) const noexcept { return std::hash<std::string_view>{}(name); }
    };

    [[nodiscard]] static Step step_of(const AccessRule& rule, std::size_t index) noexcept;
    void add_chain(const AccessList& list, const std::optional<IpPrefix>& prefix,
                   std::vector<std::pair<IpPrefix, Chain>>& chains);
    void add_name(const AccessRule& rule, const Step& step);
    [[nodiscard]] const Step* address_step(const AccessTarget& target) const noexcept;
    /// Calls `visit(steps)` for each list of name rules that `name` belongs to.
    template <typename Visit>
    void for_name(std::string_view name, Visit&& visit) const noexcept;

    AccessAction otherwise_;
    std::vector<Step> steps_;     ///< of all chains, each in the rules' order
    Chain anywhere_;              ///< for addresses in no prefix of the list
    PrefixMap<Chain> by_prefix_;
    std::unordered_map<std::string, NameSteps, NameHash, std::equal_to<>> names_;
    std::size_t most_labels_ = 0; ///< of a name in names_
    std::vector<Step> by_any_name_; ///< the first name rule of each action, port range and protocol
};

/// The lists of all classes. Immutable; made once for each change of the rules.
class AccessLists {
public:
    AccessLists() : everybody_(AccessList{}) {}
    /// `everybody`: for addresses of no class.
    AccessLists(const std::vector<AccessList>& classes, const AccessList& everybody);

    static constexpr std::uint16_t kNoClass = 0xffff;
    [[nodiscard]] const CompiledAccessList& of_class(std::uint16_t usage_class) const noexcept {
        return usage_class < classes_.size() ? classes_[usage_class] : everybody_;
    }

private:
    std::vector<CompiledAccessList> classes_;
    CompiledAccessList everybody_;
};

/// Names that DNS answers have given to an address; only such that a rule speaks of.
using NamesOfAddress = std::unordered_map<IpAddress, std::vector<std::string>, IpAddressHash>;

class AccessTable {
public:
    static constexpr std::size_t kMostNames = 8; ///< of one address that are looked at

    AccessTable() : lists_(std::make_shared<AccessLists>()) {}
    explicit AccessTable(std::shared_ptr<const AccessLists> lists, NamesOfAddress names = {})
        : lists_(std::move(lists)), names_(std::move(names)) {}

    /// A connection begins, and its own name is not known yet: denied only if no name could allow it.
    [[nodiscard]] AccessAnswer on_sight(std::uint16_t usage_class, const AccessTarget& target) const noexcept;
    /// It has shown no name: the names that DNS gave its address stand for it.
    [[nodiscard]] AccessAnswer without_name(std::uint16_t usage_class, const AccessTarget& target) const noexcept;
    /// It has shown this name. The text of an address is no name.
    [[nodiscard]] AccessAnswer by_name(std::uint16_t usage_class, std::string_view name,
                                       const AccessTarget& target) const noexcept;
    [[nodiscard]] std::optional<std::uint16_t> denies_question(std::uint16_t usage_class,
                                                               std::string_view name) const noexcept {
        return lists_->of_class(usage_class).denies_question(name);
    }

private:
    std::shared_ptr<const AccessLists> lists_;
    NamesOfAddress names_;
};

} // namespace foregate::dataplane
