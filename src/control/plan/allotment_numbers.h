// SPDX-License-Identifier: BSD-3-Clause
// Numbers under which the shapers know allotments. A number that is given back rests before it is used again, so that
// packets still queued under it cannot meet a stranger's rate.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace foregate::control {

class AllotmentNumbers {
public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr std::uint16_t kFirst = 1;
    static constexpr std::uint16_t kLast = 255;
    static constexpr std::chrono::seconds kRest{10};

    /// The number of `key`, given out now if it has none; nullopt when all are in use or at rest.
    std::optional<std::uint16_t> take(const std::string& key, Time now) {
        if (const auto found = taken_.find(key); found != taken_.end()) {
            return found->second;
        }
        for (std::uint16_t number = kFirst; number <= kLast; ++number) {
            if (!used_[number] && (rested_since_[number] == Time{} || now - rested_since_[number] >= kRest)) {
                used_[number] = true;
                taken_[key] = number;
                return number;
            }
        }
        return std::nullopt;
    }
    std::optional<std::uint16_t> give_back(const std::string& key, Time now) {
        const auto found = taken_.find(key);
        if (found == taken_.end()) {
            return std::nullopt;
        }
        const std::uint16_t number = found->second;
        used_[number] = false;
        rested_since_[number] = now;
        taken_.erase(found);
        return number;
    }
    [[nodiscard]] std::optional<std::uint16_t> find(const std::string& key) const {
        const auto found = taken_.find(key);
        return found == taken_.end() ? std::nullopt : std::optional(found->second);
    }

private:
    std::map<std::string, std::uint16_t> taken_;
    std::vector<bool> used_ = std::vector<bool>(kLast + 1);
    std::vector<Time> rested_since_ = std::vector<Time>(kLast + 1);
};

} // namespace foregate::control
