// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/tls_client_hello.h"

#include "dataplane/classify/handshake_reader.h"
#include "dataplane/classify/tls_records.h"

#include <algorithm>
#include <cstddef>

namespace foregate::dataplane {

namespace {

constexpr std::uint8_t kContentHandshake = 22;
constexpr std::uint8_t kHandshakeClientHello = 1;
constexpr std::uint16_t kExtensionServerName = 0;
constexpr std::uint16_t kExtensionProtocols = 16;
constexpr std::uint16_t kExtensionVersions = 43;
constexpr std::uint16_t kExtensionEncryptedHello = 0xfe0d;
constexpr std::uint16_t kExtensionEncryptedName = 0xffce; // its forerunner
constexpr std::uint8_t kNameTypeHost = 0;
constexpr std::uint8_t kVersionMajorTls = 3;
constexpr std::uint8_t kVersionMajorDtls = 0xfe;
constexpr std::size_t kMaxHelloBytes = 65536;
constexpr std::size_t kRandomBytes = 32;
constexpr std::size_t kMaxProtocols = 32;
constexpr std::size_t kDtlsRecordHeaderBytes = 13;
constexpr std::size_t kDtlsHandshakeHeaderBytes = 12;

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

TlsResult shortage(const HandshakeReader& in) noexcept {
    return in.short_of_bytes() ? TlsResult::incomplete : TlsResult::not_tls;
}

constexpr bool is_grease(std::uint16_t value) noexcept {
    return (value & 0x0f0fU) == 0x0a0aU && value >> 8 == (value & 0xffU);
}

/// The TLS version that a number stands for: DTLS counts down from 0xfeff (TLS 1.1).
constexpr std::uint16_t plain_version(std::uint16_t version) noexcept {
    switch (version) {
    case 0xfeff:
        return 0x0302;
    case 0xfefd:
        return 0x0303;
    case 0xfefc:
        return 0x0304;
    default:
        break;
    }
    const unsigned high = version >> 8;
    return high == 0x7f || high == 0xfb ? std::uint16_t{0x0304} : version; // drafts of TLS 1.3
}

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

/// Some clients send "name:port", which RFC 6066 has no room for: the name counts.
std::span<const std::uint8_t> without_port(std::span<const std::uint8_t> name) noexcept {
    std::size_t end = name.size();
    while (end > 0 && name[end - 1] >= '0' && name[end - 1] <= '9') {
        --end;
    }
    const bool port = end > 1 && end < name.size() && name.size() - end <= 5 && name[end - 1] == ':' &&
                      std::find(name.begin(), name.end(), std::uint8_t{':'}) - name.begin() ==
                          static_cast<std::ptrdiff_t>(end - 1);
    return port ? name.first(end - 1) : name;
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
            assign_name(without_port({raw, size - dropped}), name);
            name.odd = name.odd || dropped > 0;
            found = !name.empty();
        }
    }
    return found;
}

/// ALPN. What does not add up in it is skipped: the hello stays usable without it.
void read_protocols(HandshakeReader& in, std::size_t length, ProtocolList& protocols) noexcept {
    Budget list(length);
    if (!list.spend(2)) {
        in.skip(length);
        return;
    }
    in.skip(2);
    for (std::size_t i = 0; i < kMaxProtocols && in.ok() && list.spend(1); ++i) {
        const std::size_t size = in.u8();
        if (!in.ok() || !list.spend(size)) {
            break;
        }
        std::uint8_t raw[255];
        in.take(size, raw);
        if (in.ok()) {
            protocols.add({raw, size});
        }
    }
    in.skip(list.left());
}

void read_versions(HandshakeReader& in, std::size_t length, TlsClientHello& out) noexcept {
    Budget list(length);
    if (list.spend(1)) {
        in.skip(1);
    }
    while (in.ok() && list.spend(2)) {
        const std::uint16_t version = plain_version(in.u16());
        if (is_grease(version)) {
            out.grease = true;
        } else if (in.ok()) {
            out.version = std::max(out.version, version);
        }
    }
    in.skip(list.left());
}

/// Every extension but the server's name.
void read_extension(HandshakeReader& in, std::uint16_t type, std::size_t length,
                    TlsClientHello& out) noexcept {
    switch (type) {
    case kExtensionProtocols:
        read_protocols(in, length, out.protocols);
        return;
    case kExtensionVersions:
        read_versions(in, length, out);
        return;
    case kExtensionEncryptedHello:
    case kExtensionEncryptedName:
        out.encrypted_hello = true;
        break;
    default:
        out.grease = out.grease || is_grease(type);
    }
    in.skip(length);
}

TlsResult read_extensions(HandshakeReader& in, Budget& hello, TlsClientHello& out) noexcept {
    if (hello.left() == 0) {
        out.whole = true;
        return TlsResult::none; // allowed before TLS 1.3
    }
    if (!hello.spend(2)) {
        return TlsResult::not_tls;
    }
    const std::size_t announced = in.u16();
    if (!in.ok()) {
        return shortage(in);
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
            return found ? TlsResult::found : shortage(in);
        }
        if (!hello.spend(length)) {
            return found ? TlsResult::found : TlsResult::not_tls;
        }
        if (type == kExtensionServerName && !found) {
            bool contradiction = false;
            found = read_server_name(in, length, out.server_name, contradiction);
            if (contradiction) {
                return found ? TlsResult::found : TlsResult::not_tls;
            }
        } else {
            read_extension(in, type, length, out);
        }
        if (!in.ok()) {
            return found ? TlsResult::found : shortage(in);
        }
    }
    out.whole = true;
    return found ? TlsResult::found : TlsResult::none;
}

/// The body of a ClientHello, `length` bytes of it behind the handshake header.
TlsResult read_hello(HandshakeReader& in, std::size_t length, std::uint8_t version_major,
                     TlsClientHello& out) noexcept {
    Budget hello(length);
    if (length > kMaxHelloBytes || !hello.spend(2 + kRandomBytes)) {
        return TlsResult::not_tls;
    }
    const std::uint8_t major = in.u8();
    if (in.ok() && major != version_major) {
        return TlsResult::not_tls;
    }
    const std::uint8_t minor = in.u8();
    if (in.ok()) {
        out.version = plain_version(static_cast<std::uint16_t>(major << 8 | minor));
    }
    in.skip(kRandomBytes);
    const bool cookie = version_major == kVersionMajorDtls;
    const bool lengths_fit = in.ok() && skip_vector(in, hello, 1) &&   // session id
                             (!cookie || skip_vector(in, hello, 1)) && // DTLS only
                             skip_vector(in, hello, 2) &&              // cipher suites
                             skip_vector(in, hello, 1);                // compression methods
    if (!lengths_fit) {
        return shortage(in);
    }
    return read_extensions(in, hello, out);
}

TlsResult read_client_hello(HandshakeReader in, TlsClientHello& out) noexcept {
    out.clear();
    const std::uint8_t type = in.u8();
    if (in.ok() && type != kHandshakeClientHello) {
        return TlsResult::not_tls;
    }
    const std::size_t length = in.u24();
    if (!in.ok()) {
        return shortage(in);
    }
    return read_hello(in, length, kVersionMajorTls, out);
}

} // namespace

TlsResult parse_tls_client_hello(std::span<const std::uint8_t> stream,
                                 TlsClientHello& out) noexcept {
    return read_client_hello(HandshakeReader(stream, HandshakeFraming::records), out);
}

TlsResult parse_tls_handshake(std::span<const std::uint8_t> handshake,
                              TlsClientHello& out) noexcept {
    return read_client_hello(HandshakeReader(handshake, HandshakeFraming::bare), out);
}

TlsResult parse_dtls_client_hello(std::span<const std::uint8_t> datagram,
                                  TlsClientHello& out) noexcept {
    out.clear();
    constexpr std::size_t kHeaders = kDtlsRecordHeaderBytes + kDtlsHandshakeHeaderBytes;
    if (datagram.size() < kHeaders || datagram[0] != kContentHandshake ||
        look_at_dtls_records(datagram) == RecordLook::none) {
        return TlsResult::not_tls;
    }
    const std::size_t record_bytes = static_cast<std::size_t>(datagram[11] << 8 | datagram[12]);
    HandshakeReader in(datagram.subspan(kDtlsRecordHeaderBytes), HandshakeFraming::bare);
    const std::uint8_t type = in.u8();
    const std::size_t length = in.u24();
    in.skip(2); // message number
    const std::size_t fragment_at = in.u24();
    const std::size_t fragment_bytes = in.u24();
    const bool fits = record_bytes >= kDtlsHandshakeHeaderBytes &&
                      fragment_bytes <= record_bytes - kDtlsHandshakeHeaderBytes &&
                      fragment_at + fragment_bytes <= length;
    if (type != kHandshakeClientHello || !fits) {
        return TlsResult::not_tls;
    }
    if (fragment_at != 0) {
        return TlsResult::incomplete;
    }
    HandshakeReader body(datagram.subspan(kHeaders, fragment_bytes), HandshakeFraming::bare);
    return read_hello(body, length, kVersionMajorDtls, out);
}

} // namespace foregate::dataplane
