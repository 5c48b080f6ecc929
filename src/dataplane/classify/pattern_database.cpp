// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/pattern_database.h"

#include <cstdlib>
#include <stdexcept>

namespace foregate::dataplane {

namespace {

constexpr unsigned kFlags = HS_FLAG_DOTALL | HS_FLAG_SINGLEMATCH;
constexpr unsigned kMode = HS_MODE_BLOCK;

Database compile(const Patterns& patterns) {
    std::vector<const char*> texts;
    for (const std::string& text : patterns.texts) {
        texts.push_back(text.c_str());
    }
    const std::vector<unsigned> flags(texts.size(), kFlags);
    hs_database_t* database = nullptr;
    hs_compile_error_t* error = nullptr;
    if (hs_compile_multi(texts.data(), flags.data(), patterns.ids.data(), static_cast<unsigned>(texts.size()), kMode,
                         nullptr, &database, &error) != HS_SUCCESS) {
        std::string message = "the catalogue's patterns do not compile";
        if (error != nullptr) {
            const int which = error->expression;
            message = error->message;
            if (which >= 0 && static_cast<std::size_t>(which) < patterns.where.size()) {
                message = patterns.where[static_cast<std::size_t>(which)] + ": the pattern " +
                          patterns.texts[static_cast<std::size_t>(which)] + " does not compile: " + message;
            }
            hs_free_compile_error(error);
        }
        throw std::invalid_argument(message);
    }
    return Database(database);
}

/// Everything that the compiled bytes follow from: the patterns, the library and the processor they are made for.
std::optional<Sha256> key_of(const Patterns& patterns) {
    hs_platform_info_t platform{};
    if (hs_populate_platform(&platform) != HS_SUCCESS) {
        return std::nullopt;
    }
    Sha256Sum sum;
    sum.add(hs_version());
    sum.add(platform.tune);
    sum.add(platform.cpu_features);
    sum.add(kMode);
    sum.add(kFlags);
    sum.add(patterns.texts.size());
    for (std::size_t i = 0; i < patterns.texts.size(); ++i) {
        sum.add(patterns.ids[i]);
        sum.add(patterns.texts[i]);
    }
    return sum.take();
}

Database from_cache(const Sha256& key, PatternCache& cache) {
    const auto bytes = cache.load(key);
    if (!bytes) {
        return nullptr;
    }
    hs_database_t* database = nullptr;
    if (hs_deserialize_database(reinterpret_cast<const char*>(bytes->data()), bytes->size(), &database) != HS_SUCCESS) {
        cache.refuse(key, "Hyperscan does not take it");
        return nullptr;
    }
    return Database(database);
}

void into_cache(const Sha256& key, const hs_database_t& database, PatternCache& cache) {
    char* bytes = nullptr;
    std::size_t size = 0;
    if (hs_serialize_database(&database, &bytes, &size) == HS_SUCCESS) {
        const std::unique_ptr<char, decltype(&std::free)> owner(bytes, &std::free); // Hyperscan's default allocator
        cache.save(key, {reinterpret_cast<const std::uint8_t*>(bytes), size});
    }
}

} // namespace

Database compile_patterns(const Patterns& patterns, PatternCache* cache) {
    if (patterns.texts.empty()) {
        return nullptr;
    }
    const std::optional<Sha256> key = cache != nullptr ? key_of(patterns) : std::nullopt;
    if (key) {
        if (Database database = from_cache(*key, *cache)) {
            return database;
        }
    }
    Database database = compile(patterns);
    if (key) {
        into_cache(*key, *database, *cache);
    }
    return database;
}

} // namespace foregate::dataplane
