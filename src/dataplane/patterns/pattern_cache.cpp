// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/patterns/pattern_cache.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

namespace foregate::dataplane {

namespace {

// An entry: this magic, the key, the content's length (little-endian) and SHA-256, the content.
constexpr std::array<std::uint8_t, 8> kMagic{'F', 'G', 'P', 'A', 'T', '0', '0', '1'};
constexpr std::size_t kHeader = 8 + 32 + 8 + 32;
constexpr std::uint64_t kMostBytes = 1ULL << 30;
constexpr std::string_view kSuffix = ".patterns";
constexpr std::string_view kHalfWritten = ".new-";
constexpr std::chrono::hours kHalfWrittenFor{1};

class File {
public:
    explicit File(int descriptor) noexcept : descriptor_(descriptor) {}
    ~File() {
        if (descriptor_ >= 0) {
            ::close(descriptor_);
        }
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    [[nodiscard]] int get() const noexcept { return descriptor_; }

private:
    int descriptor_;
};

std::string error_text() { return std::generic_category().message(errno); }

std::optional<Sha256> sum_of(std::span<const std::uint8_t> bytes) {
    Sha256 sum{};
    unsigned size = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), sum.data(), &size, EVP_sha256(), nullptr) != 1 || size != sum.size()) {
        return std::nullopt;
    }
    return sum;
}

void store_le64(std::uint8_t* to, std::uint64_t value) noexcept {
    for (unsigned i = 0; i < 8; ++i) {
        to[i] = static_cast<std::uint8_t>(value >> (8 * i));
    }
}

std::uint64_t load_le64(const std::uint8_t* from) noexcept {
    std::uint64_t value = 0;
    for (unsigned i = 8; i-- > 0;) {
        value = value << 8 | from[i];
    }
    return value;
}

/// Nobody but us (or root) can have put it there, or can change it.
const char* distrust(const struct stat& of, bool folder) noexcept {
    if (of.st_uid != ::geteuid() && !(folder && of.st_uid == 0)) {
        return "belongs to another user";
    }
    return (of.st_mode & (S_IWGRP | S_IWOTH)) != 0 ? "others may write to it" : nullptr;
}

bool read_all(int descriptor, std::span<std::uint8_t> to) noexcept {
    std::size_t done = 0;
    while (done < to.size()) {
        const ssize_t got = ::read(descriptor, to.data() + done, to.size() - done);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        done += static_cast<std::size_t>(got);
    }
    return true;
}

bool write_all(int descriptor, std::span<const std::uint8_t> from) noexcept {
    std::size_t done = 0;
    while (done < from.size()) {
        const ssize_t put = ::write(descriptor, from.data() + done, from.size() - done);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return false;
        }
        done += static_cast<std::size_t>(put);
    }
    return true;
}

/// The content behind the header, or why not.
std::optional<std::vector<std::uint8_t>> read_entry(int descriptor, const Sha256& key, std::uint64_t size,
                                                    std::string& why) {
    std::array<std::uint8_t, kHeader> header{};
    if (size < kHeader || size > kMostBytes || !read_all(descriptor, header)) {
        why = "its size cannot be right";
        return std::nullopt;
    }
    const std::uint8_t* at = header.data();
    if (!std::equal(kMagic.begin(), kMagic.end(), at) || !std::equal(key.begin(), key.end(), at + 8)) {
        why = "it is no entry of this name";
        return std::nullopt;
    }
    if (load_le64(at + 40) != size - kHeader) {
        why = "its length is not what it says";
        return std::nullopt;
    }
    std::vector<std::uint8_t> content(size - kHeader);
    const bool whole = read_all(descriptor, content);
    const std::optional<Sha256> sum = whole ? sum_of(content) : std::nullopt;
    if (!sum || !std::equal(sum->begin(), sum->end(), at + 48)) {
        why = "its checksum is wrong";
        return std::nullopt;
    }
    return content;
}

bool is_half_written(const std::filesystem::path& file) { return file.filename().string().starts_with(kHalfWritten); }

} // namespace

Sha256Sum::Sha256Sum() : context_(EVP_MD_CTX_new()) {
    good_ = context_ != nullptr && EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), EVP_sha256(), nullptr) == 1;
}

Sha256Sum::~Sha256Sum() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_)); }

void Sha256Sum::add(std::string_view text) {
    add(std::uint64_t{text.size()});
    good_ = good_ && EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), text.data(), text.size()) == 1;
}

void Sha256Sum::add(std::uint64_t number) {
    std::array<std::uint8_t, 8> bytes{};
    store_le64(bytes.data(), number);
    good_ = good_ && EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size()) == 1;
}

std::optional<Sha256> Sha256Sum::take() {
    Sha256 sum{};
    unsigned size = 0;
    good_ = good_ && EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_), sum.data(), &size) == 1;
    return std::exchange(good_, false) ? std::optional(sum) : std::nullopt;
}

std::filesystem::path PatternCache::path_of(const Sha256& key) const {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string name;
    for (const std::uint8_t byte : key) {
        name += kDigits[byte >> 4];
        name += kDigits[byte & 15];
    }
    return folder_ / (name += kSuffix);
}

std::optional<std::vector<std::uint8_t>> PatternCache::load(const Sha256& key) {
    const File folder(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct stat status {};
    if (folder.get() < 0 || ::fstat(folder.get(), &status) != 0) {
        return std::nullopt; // there is none yet, or we may not look into it
    }
    if (const char* why = distrust(status, true)) {
        if (!std::exchange(folder_refused_, true)) {
            refused_.push_back(folder_.string() + ": not used: " + why);
        }
        return std::nullopt;
    }
    const std::filesystem::path file = path_of(key);
    const File entry(::openat(folder.get(), file.filename().c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (entry.get() < 0) {
        if (errno != ENOENT) {
            refuse(key, error_text());
        }
        return std::nullopt;
    }
    if (::fstat(entry.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
        refuse(key, "it is no ordinary file");
        return std::nullopt;
    }
    if (const char* why = distrust(status, false)) {
        refuse(key, why);
        return std::nullopt;
    }
    std::string why;
    auto content = read_entry(entry.get(), key, static_cast<std::uint64_t>(status.st_size), why);
    if (!content) {
        refuse(key, why);
        return std::nullopt;
    }
    (void)::futimens(entry.get(), nullptr); // used now: the oldest goes first
    ++loaded_;
    return content;
}

bool PatternCache::touch(const Sha256& key) const {
    return ::utimensat(AT_FDCWD, path_of(key).c_str(), nullptr, AT_SYMLINK_NOFOLLOW) == 0;
}

void PatternCache::refuse(const Sha256& key, std::string_view why) {
    refused_.push_back(path_of(key).string() + ": not used: " + std::string(why));
}

void PatternCache::save(const Sha256& key, std::span<const std::uint8_t> bytes) {
    const std::optional<Sha256> sum = sum_of(bytes);
    if (folder_refused_ || !sum || bytes.size() > kMostBytes - kHeader) {
        return;
    }
    std::error_code error;
    if (std::filesystem::create_directories(folder_, error)) {
        std::filesystem::permissions(folder_, std::filesystem::perms::owner_all, error);
    }
    const std::filesystem::path file = path_of(key);
    const std::filesystem::path fresh =
        folder_ / (std::string(kHalfWritten) + std::to_string(::getpid()) + '-' + file.stem().string());
    (void)::unlink(fresh.c_str()); // of an earlier process with our number
    const File out(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR));
    std::vector<std::uint8_t> header(kHeader);
    std::copy(kMagic.begin(), kMagic.end(), header.begin());
    std::copy(key.begin(), key.end(), header.begin() + 8);
    store_le64(header.data() + 40, bytes.size());
    std::copy(sum->begin(), sum->end(), header.begin() + 48);
    const bool written = out.get() >= 0 && write_all(out.get(), header) && write_all(out.get(), bytes);
    if (!written || ::rename(fresh.c_str(), file.c_str()) != 0) {
        unwritten_.push_back(file.string() + ": not written: " + error_text());
        (void)::unlink(fresh.c_str());
    }
}

void PatternCache::tidy() const {
    std::error_code error;
    std::vector<std::pair<std::filesystem::file_time_type, std::filesystem::path>> entries;
    for (std::filesystem::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
        std::error_code gone;
        const auto time = std::filesystem::last_write_time(at->path(), gone);
        if (gone) {
            continue;
        }
        if (at->path().extension() == kSuffix) {
            entries.emplace_back(time, at->path());
        } else if (is_half_written(at->path()) && std::filesystem::file_time_type::clock::now() - time > kHalfWrittenFor) {
            std::filesystem::remove(at->path(), gone);
        }
    }
    std::sort(entries.begin(), entries.end(), std::greater<>());
    for (std::size_t i = most_entries_; i < entries.size(); ++i) {
        std::filesystem::remove(entries[i].second, error);
    }
}

} // namespace foregate::dataplane
