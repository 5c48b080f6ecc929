// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/threat/name_shard.h"

#include <hs.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <stdexcept>

namespace foregate::dataplane {

namespace {

constexpr unsigned kMode = HS_MODE_BLOCK;

hs_database_t* compile(std::span<const std::string_view> names) {
    std::size_t bytes = 0;
    for (const std::string_view name : names) {
        bytes += name.size() + 2;
    }
    std::string text(bytes, '\0');
    std::vector<const char*> literals(names.size());
    std::vector<std::size_t> lengths(names.size());
    std::vector<unsigned> ids(names.size());
    // No HS_FLAG_SINGLEMATCH: scratch and scans would be dearer, and on_match stops nothing anyway.
    const std::vector<unsigned> flags(names.size(), 0);
    char* at = text.data();
    for (std::size_t i = 0; i < names.size(); ++i) {
        literals[i] = at;
        lengths[i] = names[i].size() + 2;
        ids[i] = static_cast<unsigned>(i);
        at = append_name_record(at, names[i]);
    }
    hs_database_t* database = nullptr;
    hs_compile_error_t* error = nullptr;
    if (hs_compile_lit_multi(literals.data(), flags.data(), ids.data(), lengths.data(), static_cast<unsigned>(names.size()),
                             kMode, nullptr, &database, &error) != HS_SUCCESS) {
        const std::string why = error != nullptr ? error->message : "no reason given";
        hs_free_compile_error(error);
        throw std::runtime_error("name matcher: cannot compile " + std::to_string(names.size()) + " names: " + why);
    }
    return database;
}

std::optional<Sha256> key_of(std::string_view names) {
    hs_platform_info_t platform{};
    if (hs_populate_platform(&platform) != HS_SUCCESS) {
        return std::nullopt;
    }
    Sha256Sum sum;
    sum.add("names, reversed literals 1");
    sum.add(hs_version());
    sum.add(platform.tune);
    sum.add(platform.cpu_features);
    sum.add(kMode);
    sum.add(names);
    return sum.take();
}

} // namespace

char* append_name_record(char* to, std::string_view name) noexcept {
    *to++ = '\n';
    to = std::reverse_copy(name.begin(), name.end(), to);
    *to++ = '.';
    return to;
}

void NameShard::Free::operator()(hs_database* database) const noexcept { hs_free_database(database); }

NameShard::NameShard(std::span<const std::string_view> names) {
    std::string text;
    for (const std::string_view name : names) {
        text += name;
        text += '\n';
    }
    if (!take_names(std::move(text)) || size() != names.size()) {
        throw std::runtime_error("name matcher: the names of one part are more than four gigabytes, or not single lines");
    }
    database_.reset(compile(names));
    key_ = key_of(text_);
}

/// False: too long, or it does not end with a line feed.
bool NameShard::take_names(std::string text) {
    if (text.size() > std::numeric_limits<std::uint32_t>::max() || (!text.empty() && text.back() != '\n')) {
        return false;
    }
    text_ = std::move(text);
    for (std::size_t at = text_.find('\n'); at != std::string::npos; at = text_.find('\n', at + 1)) {
        ends_.push_back(static_cast<std::uint32_t>(at));
    }
    return true;
}

std::string_view NameShard::name(std::size_t id) const noexcept {
    const std::size_t begin = id == 0 ? 0 : ends_[id - 1] + std::size_t{1};
    return std::string_view(text_).substr(begin, ends_[id] - begin);
}

bool NameShard::holds(std::span<const std::string_view> names) const noexcept {
    if (names.size() != size()) {
        return false;
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (name(i) != names[i]) {
            return false;
        }
    }
    return true;
}

std::size_t NameShard::memory_bytes() const noexcept {
    std::size_t bytes = 0;
    hs_database_size(database_.get(), &bytes);
    return bytes + text_.size() + ends_.size() * sizeof(std::uint32_t);
}

// A cache's entry: the names, an empty line, the database.

std::shared_ptr<const NameShard> NameShard::load(const Sha256& key, PatternCache& cache) {
    const auto bytes = cache.load(key);
    if (!bytes) {
        return nullptr;
    }
    const std::string_view all(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    const std::size_t names = all.find("\n\n");
    std::shared_ptr<NameShard> shard(new NameShard());
    hs_database_t* database = nullptr;
    if (names == std::string_view::npos || !shard->take_names(std::string(all.substr(0, names + 1))) ||
        key_of(shard->text_) != key ||
        hs_deserialize_database(all.data() + names + 2, all.size() - names - 2, &database) != HS_SUCCESS) {
        cache.refuse(key, "it is no list of names for this machine");
        return nullptr;
    }
    shard->database_.reset(database);
    shard->key_ = key;
    return shard;
}

void NameShard::save(PatternCache& cache) const {
    char* bytes = nullptr;
    std::size_t size = 0;
    if (!key_ || hs_serialize_database(database_.get(), &bytes, &size) != HS_SUCCESS) {
        return;
    }
    const std::unique_ptr<char, decltype(&std::free)> owner(bytes, &std::free); // Hyperscan's default allocator
    std::vector<std::uint8_t> entry;
    entry.reserve(text_.size() + 1 + size);
    entry.insert(entry.end(), text_.begin(), text_.end());
    entry.push_back('\n');
    entry.insert(entry.end(), bytes, bytes + size);
    cache.save(*key_, entry);
}

} // namespace foregate::dataplane
