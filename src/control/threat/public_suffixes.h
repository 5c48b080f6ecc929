// SPDX-License-Identifier: BSD-3-Clause
// The names under which anybody may register a name of his own ("co.uk", "github.io"): listing one
// would list everybody. From Mozilla's Public Suffix List (publicsuffix.org), as the operating
// system's package `publicsuffix` installs it. Immutable after construction.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>

namespace foregate::control {

class PublicSuffixes {
public:
    /// The text of public_suffix_list.dat; lines that are no rule are left out.
    explicit PublicSuffixes(std::string_view text);

    /// Where Debian's package puts it; nullptr when it is not installed. Read once a process.
    [[nodiscard]] static std::shared_ptr<const PublicSuffixes> of_system();

    /// `name` as in a feed's entry: lower case, punycode, no trailing dot.
    [[nodiscard]] bool contains(std::string_view name) const;
    [[nodiscard]] std::size_t size() const noexcept { return names_.size() + below_.size(); }

private:
    struct Hash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    using Names = std::unordered_set<std::string, Hash, std::equal_to<>>;

    Names names_;      ///< "co.uk"
    Names below_;      ///< of "*.ck": every name with one label more
    Names exceptions_; ///< of "!www.ck"
};

} // namespace foregate::control
