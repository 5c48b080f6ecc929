// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/tls_certificate.h"

#include "dataplane/classify/handshake_reader.h"

#include <algorithm>

namespace foregate::dataplane {

namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::uint8_t kServerHello = 2;
constexpr std::uint8_t kCertificate = 11;
constexpr std::size_t kMaxCertificateBytes = 4096;

constexpr std::uint8_t kTagObjectId = 0x06;
constexpr std::uint8_t kTagOctets = 0x04;
constexpr std::uint8_t kTagSequence = 0x30;
constexpr std::uint8_t kTagSet = 0x31;
constexpr std::uint8_t kTagVersion = 0xa0;
constexpr std::uint8_t kTagExtensions = 0xa3;
constexpr std::uint8_t kTagDnsName = 0x82;
constexpr std::array<std::uint8_t, 3> kCommonName{0x55, 0x04, 0x03};       // 2.5.4.3
constexpr std::array<std::uint8_t, 3> kOrganisation{0x55, 0x04, 0x0a};     // 2.5.4.10
constexpr std::array<std::uint8_t, 3> kAlternativeNames{0x55, 0x1d, 0x11}; // 2.5.29.17
constexpr int kMaxElements = 64;                                           // of any list

/// Walks DER values that follow each other. A value that is cut off gives the bytes that are there.
class DerList {
public:
    explicit DerList(Bytes bytes) noexcept : rest_(bytes) {}

    /// False at the end, and at the first length that is not DER.
    bool next() noexcept {
        if (rest_.size() < 2) {
            return false;
        }
        tag_ = rest_[0];
        std::size_t length = rest_[1];
        std::size_t at = 2;
        if (length >= 0x80) {
            const std::size_t width = length & 0x7fU;
            if (width == 0 || width > 3 || rest_.size() < at + width) {
                return false;
            }
            length = 0;
            for (std::size_t i = 0; i < width; ++i) {
                length = length << 8 | rest_[at++];
            }
        }
        content_ = rest_.subspan(at, std::min(length, rest_.size() - at));
        whole_ = content_.size() == length;
        rest_ = rest_.subspan(at + content_.size());
        return true;
    }
    /// Moves on and tells whether the value has this tag.
    bool next(std::uint8_t tag) noexcept { return next() && tag_ == tag; }

    [[nodiscard]] std::uint8_t tag() const noexcept { return tag_; }
    [[nodiscard]] Bytes content() const noexcept { return content_; }
    [[nodiscard]] bool whole() const noexcept { return whole_; } ///< not cut off

private:
    Bytes rest_;
    Bytes content_;
    std::uint8_t tag_ = 0;
    bool whole_ = false;
};

bool is_object(Bytes content, const std::array<std::uint8_t, 3>& id) noexcept {
    return std::equal(content.begin(), content.end(), id.begin(), id.end());
}

/// An attribute of a distinguished name: SEQUENCE OF SET OF { type, value }.
bool read_attribute(Bytes name, const std::array<std::uint8_t, 3>& wanted,
                    NameBuffer& out) noexcept {
    DerList sets(name);
    for (int i = 0; i < kMaxElements && sets.next(kTagSet); ++i) {
        DerList pairs(sets.content());
        if (!pairs.next(kTagSequence)) {
            continue;
        }
        DerList pair(pairs.content());
        if (pair.next(kTagObjectId) && is_object(pair.content(), wanted) && pair.next() &&
            pair.whole()) {
            assign_name(pair.content(), out);
            return !out.empty();
        }
    }
    return false;
}

void read_alternative_names(Bytes octets, TlsCertificateNames& out) noexcept {
    DerList outer(octets);
    if (!outer.next(kTagSequence)) {
        return;
    }
    DerList list(outer.content());
    for (int i = 0; i < kMaxElements && list.next(); ++i) {
        Bytes name = list.content();
        if (list.tag() != kTagDnsName || !list.whole() ||
            out.name_count == TlsCertificateNames::kMaxNames) {
            continue;
        }
        if (name.size() > 2 && name[0] == '*' && name[1] == '.') {
            name = name.subspan(2);
        }
        NameBuffer& slot = out.names[out.name_count];
        assign_name(name, slot);
        out.name_count = static_cast<std::uint8_t>(out.name_count + (slot.empty() ? 0 : 1));
    }
}

void read_extensions(Bytes extensions, TlsCertificateNames& out) noexcept {
    DerList outer(extensions);
    if (!outer.next(kTagSequence)) {
        return;
    }
    DerList list(outer.content());
    for (int i = 0; i < kMaxElements && list.next(kTagSequence); ++i) {
        DerList extension(list.content());
        if (!extension.next(kTagObjectId) || !is_object(extension.content(), kAlternativeNames)) {
            continue;
        }
        while (extension.next()) { // a "critical" mark may stand before the value
            if (extension.tag() == kTagOctets) {
                read_alternative_names(extension.content(), out);
                return;
            }
        }
    }
}

/// Certificate, RFC 5280: SEQUENCE { SEQUENCE { version, serial, algorithm, issuer, validity,
/// subject, key, ..., extensions } ... }
void read_certificate(Bytes der, TlsCertificateNames& out) noexcept {
    DerList outer(der);
    if (!outer.next(kTagSequence)) {
        return;
    }
    DerList signed_part(outer.content());
    if (!signed_part.next(kTagSequence)) {
        return;
    }
    DerList field(signed_part.content());
    if (!field.next() || (field.tag() == kTagVersion && !field.next())) {
        return;
    }
    // `field` stands on the serial number.
    if (!field.next(kTagSequence) || !field.next(kTagSequence)) {
        return;
    }
    if (!read_attribute(field.content(), kCommonName, out.issuer)) {
        read_attribute(field.content(), kOrganisation, out.issuer);
    }
    if (!field.next(kTagSequence) || !field.next(kTagSequence)) {
        return;
    }
    read_attribute(field.content(), kCommonName, out.subject);
    for (int i = 0; i < kMaxElements && field.next(); ++i) {
        if (field.tag() == kTagExtensions) {
            read_extensions(field.content(), out);
            return;
        }
    }
}

/// A Certificate message behind its type: the first of the list.
TlsResult read_list(HandshakeReader& in, TlsCertificateNames& out) noexcept {
    in.skip(3 + 3); // lengths of the message and of the list
    const std::size_t size = in.u24();
    if (!in.ok()) {
        return in.short_of_bytes() ? TlsResult::incomplete : TlsResult::none;
    }
    std::array<std::uint8_t, kMaxCertificateBytes> der;
    const std::size_t there = in.take(std::min(size, der.size()), der.data());
    read_certificate(Bytes(der).first(there), out);
    const bool all = there == std::min(size, der.size());
    if (out.name_count > 0 || (all && !out.subject.empty())) {
        return TlsResult::found;
    }
    return all || !in.short_of_bytes() ? TlsResult::none : TlsResult::incomplete;
}

} // namespace

TlsResult parse_tls_certificate(std::span<const std::uint8_t> stream,
                                TlsCertificateNames& out) noexcept {
    out.subject.clear();
    out.issuer.clear();
    out.name_count = 0;
    HandshakeReader in(stream, HandshakeFraming::records);
    const std::uint8_t first = in.u8();
    if (in.ok() && first != kServerHello) {
        return TlsResult::not_tls;
    }
    in.skip(in.u24());
    if (!in.ok()) {
        return in.short_of_bytes() ? TlsResult::incomplete : TlsResult::not_tls;
    }
    const std::uint8_t second = in.u8();
    if (in.ok() && second == kCertificate) {
        return read_list(in, out);
    }
    return in.short_of_bytes() ? TlsResult::incomplete : TlsResult::none; // encrypted, or resumed
}

} // namespace foregate::dataplane
