// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/tls_client_hello.h"

#include <algorithm>
#include <cstddef>

namespace foregate::dataplane {

namespace {

constexpr std::uint8_t kContentHandshake = 22;
constexpr std::uint8_t kHandshakeClientHello = 1;
constexpr std::uint16_t kExtensionServerName = 0;
constexpr std::uint16_t kExtensionEncryptedHello = 0xfe0d;
constexpr std::uint8_t kNameTypeHost = 0;
constexpr std::size_t kRecordHeaderBytes = 5;
constexpr std::size_t kMaxRecordBytes = 16384;
constexpr std::size_t kMaxHelloBytes = 65536;
constexpr std::size_t kRandomBytes = 32;

/// Reads handshake bytes across record boundaries. The first shortage or contradiction sticks.
class HandshakeReader {
public:
    explicit HandshakeReader(std::span<const std::uint8_t> stream) noexcept : stream_(stream) {}

    [[nodiscard]] bool ok() const noexcept { return state_ == State::reading; }
    [[nodiscard]] TlsResult shortage() const noexcept {
        return state_ == State::short_of_bytes ? TlsResult::incomplete : TlsResult::not_tls;
    }

    std::uint8_t u8() noexcept {
        std::uint8_t value = 0;
        take(1, &value);
        return value;
    }
    std::uint16_t u16() noexcept {
        std::uint8_t value[2] = {};
        take(2, value);
        return static_cast<std::uint16_t>(value[0] << 8 | value[1]);
    }
    std::uint32_t u24() noexcept {
        const std::uint32_t high = u8();
        return high << 16 | u16();
    }
    void skip(std::size_t count) noexcept { take(count, nullptr); }

    /// Copies or skips `count` bytes; nothing sensible is in `to` when ok() is false afterwards.
    void take(std::size_t count, std::uint8_t* to) noexcept {
        while (count > 0 && ok()) {
            if (left_in_record_ == 0 && !open_record()) {
                return;
            }
            const std::size_t step = std::min({count, left_in_record_, stream_.size() - at_});
            if (step == 0) {
                state_ = State::short_of_bytes;
                return;
            }
            if (to != nullptr) {
                to = std::copy_n(stream_.data() + at_, step, to);
            }
            at_ += step;
            left_in_record_ -= step;
            count -= step;
        }
    }

private:
    enum class State : std::uint8_t { reading, short_of_bytes, wrong };

    bool open_record() noexcept {
        const std::size_t there = std::min(stream_.size() - at_, kRecordHeaderBytes);
        const std::uint8_t* header = stream_.data() + at_;
        // Judge what is there, so that other protocols are recognised by their first bytes.
        if ((there > 0 && header[0] != kContentHandshake) || (there > 1 && header[1] != 3)) {
            state_ = State::wrong;
            return false;
        }
        if (there < kRecordHeaderBytes) {
            state_ = State::short_of_bytes;
            return false;
        }
        left_in_record_ = static_cast<std::size_t>(header[3] << 8 | header[4]);
        if (left_in_record_ == 0 || left_in_record_ > kMaxRecordBytes) {
            state_ = State::wrong;
            return false;
        }
        at_ += kRecordHeaderBytes;
        return true;
    }

    std::span<const std::uint8_t> stream_;
    std::size_t at_ = 0;
    std::size_t left_in_record_ = 0;
    State state_ = State::reading;
};

/// Counts down what an enclosing length still allows.
class Budget {
public:
    explicit Budget(std::size_t bytes) noexcept : left_(bytes) {}
    bool spend(std::size_t bytes) noexcept {
        if (bytes > left_) {
            return false;
        }
        left_ -= bytes;
        return true;
    }
    [[nodiscard]] std::size_t left() const noexcept { return left_; }

private:
    std::size_t left_;
};

/// Reads a length field of `width` bytes and skips what it announces.
bool skip_vector(HandshakeReader& in, Budget& hello, int width) noexcept {
    if (!hello.spend(static_cast<std::size_t>(width))) {
        return false;
    }
    const std::size_t length = width == 1 ? in.u8() : in.u16();
    if (!in.ok() || !hello.spend(length)) {
        return false;
    }
    in.skip(length);
    return in.ok();
}

/// The body of a server_name extension of `length` bytes; true when a host name was read.
bool read_server_name(HandshakeReader& in, std::size_t length, NameBuffer& name,
                      bool& contradiction) noexcept {
    Budget list(length);
    contradiction = !list.spend(2);
    if (contradiction) {
        return false;
    }
    const std::size_t announced = in.u16();
    contradiction = in.ok() && announced != list.left();
    bool found = false;
    while (in.ok() && !contradiction && list.left() > 0) {
        contradiction = !list.spend(3);
        if (contradiction) {
            break;
        }
        const std::uint8_t type = in.u8();
        const std::size_t size = in.u16();
        contradiction = in.ok() && !list.spend(size);
        if (!in.ok() || contradiction) {
            break;
        }
        if (type != kNameTypeHost || found || size == 0) {
            in.skip(size);
            continue;
        }
        // Of a name that is too long the end counts, as in assign_name().
        std::uint8_t raw[kMaxNameLength + 3];
        const std::size_t dropped = size > sizeof raw ? size - sizeof raw : 0;
        in.skip(dropped);
        in.take(size - dropped, raw);
        if (in.ok()) {
            assign_name({raw, size - dropped}, name);
            name.odd = name.odd || dropped > 0;
            found = !name.empty();
        }
    }
    return found;
}

TlsResult read_extensions(HandshakeReader& in, Budget& hello, TlsClientHello& out) noexcept {
    if (hello.left() == 0) {
        return TlsResult::none; // allowed before TLS 1.3
    }
    if (!hello.spend(2)) {
        return TlsResult::not_tls;
    }
    const std::size_t announced = in.u16();
    if (!in.ok()) {
        return in.shortage();
    }
    if (announced != hello.left()) {
        return TlsResult::not_tls;
    }
    bool found = false;
    while (hello.left() > 0) {
        if (!hello.spend(4)) {
            return found ? TlsResult::found : TlsResult::not_tls;
        }
        const std::uint16_t type = in.u16();
        const std::size_t length = in.u16();
        if (!in.ok()) {
            return found ? TlsResult::found : in.shortage();
        }
        if (!hello.spend(length)) {
            return found ? TlsResult::found : TlsResult::not_tls;
        }
        if (type == kExtensionServerName && !found) {
            bool contradiction = false;
            found = read_server_name(in, length, out.server_name, contradiction);
            if (contradiction && !found) {
                return TlsResult::not_tls;
            }
        } else {
            out.encrypted_hello = out.encrypted_hello || type == kExtensionEncryptedHello;
            in.skip(length);
        }
        if (!in.ok()) {
            return found ? TlsResult::found : in.shortage();
        }
    }
    return found ? TlsResult::found : TlsResult::none;
}

} // namespace

TlsResult parse_tls_client_hello(std::span<const std::uint8_t> stream,
                                 TlsClientHello& out) noexcept {
    out.server_name.clear();
    out.encrypted_hello = false;
    HandshakeReader in(stream);
    const std::uint8_t type = in.u8();
    if (in.ok() && type != kHandshakeClientHello) {
        return TlsResult::not_tls;
    }
    const std::size_t length = in.u24();
    if (!in.ok()) {
        return in.shortage();
    }
    Budget hello(length);
    if (length > kMaxHelloBytes || !hello.spend(2 + kRandomBytes)) {
        return TlsResult::not_tls;
    }
    const std::uint8_t version_major = in.u8();
    if (in.ok() && version_major != 3) {
        return TlsResult::not_tls;
    }
    in.skip(1 + kRandomBytes);
    const bool lengths_fit = in.ok() && skip_vector(in, hello, 1) && // session id
                             skip_vector(in, hello, 2) &&            // cipher suites
                             skip_vector(in, hello, 1);              // compression methods
    if (!lengths_fit) {
        return in.shortage();
    }
    return read_extensions(in, hello, out);
}

} // namespace foregate::dataplane
