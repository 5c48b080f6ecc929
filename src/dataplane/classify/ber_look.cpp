// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/ber_look.h"

#include "dataplane/packet/parse.h"

namespace foregate::dataplane {

namespace {

/// Reads tags and lengths one after the other.
class BerReader {
public:
    explicit BerReader(std::span<const std::uint8_t> bytes) noexcept : bytes_(bytes) {}

    /// The next tag and its length; false when there is none or the length form is not in use.
    bool header(std::uint8_t& tag, std::size_t& length) noexcept {
        if (at_ + 2 > bytes_.size()) {
            return false;
        }
        tag = bytes_[at_++];
        const std::uint8_t first = bytes_[at_++];
        if (first < 0x80) {
            length = first;
            return true;
        }
        const unsigned count = first & 0x7fU;
        if (count == 0 || count > 4 || at_ + count > bytes_.size()) {
            return false;
        }
        length = 0;
        for (unsigned i = 0; i < count; ++i) {
            length = length << 8 | bytes_[at_++];
        }
        return true;
    }
    /// The value of an INTEGER of up to `most` bytes.
    bool integer(std::size_t most, std::uint32_t& value) noexcept {
        std::uint8_t tag = 0;
        std::size_t length = 0;
        if (!header(tag, length) || tag != 0x02 || length == 0 || length > most || length > left()) {
            return false;
        }
        value = 0;
        for (std::size_t i = 0; i < length; ++i) {
            value = value << 8 | bytes_[at_++];
        }
        return true;
    }
    bool skip(std::size_t count) noexcept {
        if (count > left()) {
            return false;
        }
        at_ += count;
        return true;
    }
    [[nodiscard]] std::size_t left() const noexcept { return bytes_.size() - at_; }

private:
    std::span<const std::uint8_t> bytes_;
    std::size_t at_ = 0;
};

} // namespace

bool is_ldap(std::span<const std::uint8_t> payload) noexcept {
    BerReader in(payload);
    std::uint8_t tag = 0;
    std::size_t length = 0;
    std::uint32_t id = 0;
    if (!in.header(tag, length) || tag != 0x30 || length < 5 || !in.integer(5, id)) {
        return false;
    }
    std::size_t inner = 0;
    if (!in.header(tag, inner) || inner > length) {
        return false;
    }
    // Operations are [APPLICATION 0..25]; unbind, delete and abandon are primitive.
    const std::uint8_t number = tag & 0x1f;
    const bool primitive = (tag & 0xe0) == 0x40;
    const bool constructed = (tag & 0xe0) == 0x60;
    if (primitive) {
        return (number == 2 && inner == 0) || number == 10 || (number == 16 && inner <= 4);
    }
    if (!constructed || number > 25 || number == 2 || number == 17 || number == 18) {
        return false;
    }
    if (in.left() == 0) {
        return true;
    }
    // The first field tells the operation from chance.
    if (!in.header(tag, inner)) {
        return in.left() < 2;
    }
    switch (number) {
    case 0: // bind: version
        return tag == 0x02 && inner == 1;
    case 1: case 5: case 7: case 9: case 11: case 13: case 15: case 24: // results: an enumerated code
        return tag == 0x0a && inner == 1;
    case 23: case 25: // extended request, intermediate response
        return tag == 0x80 || tag == 0x81;
    case 19: // reference
        return tag == 0x04;
    default:
        return tag == 0x04 || tag == 0x30;
    }
}

bool is_kerberos(std::span<const std::uint8_t> payload, bool tcp) noexcept {
    if (tcp) {
        if (payload.size() < 8 || payload[0] != 0) {
            return false;
        }
        const std::size_t size = load_be32(payload.data());
        if (size < 16 || size > (1U << 18) || size + 4 < payload.size()) {
            return false;
        }
        payload = payload.subspan(4);
    }
    BerReader in(payload);
    std::uint8_t tag = 0;
    std::size_t length = 0;
    // [APPLICATION n]: AS 10/11, TGS 12/13, AP 14/15, SAFE, PRIV, CRED, ERROR 30.
    if (!in.header(tag, length) || (tag & 0xe0) != 0x60) {
        return false;
    }
    const std::uint8_t number = tag & 0x1f;
    const bool known = (number >= 10 && number <= 15) || (number >= 20 && number <= 22) || number == 30;
    std::uint8_t sequence = 0;
    std::uint8_t context = 0;
    std::size_t inner = 0;
    std::uint32_t version = 0;
    if (!known || !in.header(sequence, inner) || sequence != 0x30 || inner > length || !in.header(context, inner) ||
        (context != 0xa0 && context != 0xa1) || !in.integer(1, version) || version != 5) {
        return false;
    }
    return in.header(context, inner) && (context == 0xa1 || context == 0xa2);
}

bool is_snmp(std::span<const std::uint8_t> payload) noexcept {
    BerReader in(payload);
    std::uint8_t tag = 0;
    std::size_t length = 0;
    std::uint32_t version = 0;
    if (!in.header(tag, length) || tag != 0x30 || length != in.left() || !in.integer(1, version) || version > 3 ||
        !in.header(tag, length)) {
        return false;
    }
    if (version == 3) { // message id, size, flags, security model
        std::uint32_t id = 0;
        std::uint32_t size = 0;
        return tag == 0x30 && in.integer(4, id) && in.integer(4, size) && size >= 484;
    }
    if (version == 2) { // SNMPv2 with parties: not in use
        return false;
    }
    std::uint8_t pdu = 0;
    return tag == 0x04 && in.skip(length) && in.header(pdu, length) && pdu >= 0xa0 && pdu <= 0xa8;
}

} // namespace foregate::dataplane
