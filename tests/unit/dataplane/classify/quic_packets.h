// SPDX-License-Identifier: BSD-3-Clause
// Makes QUIC Initial packets for tests, with libcrypto's own HKDF, so that nothing of what is
// tested is used to make its input.
#pragma once

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace foregate::dataplane::quic_test {

using Bytes = std::vector<std::uint8_t>;

inline void require(bool holds) {
    if (!holds) {
        throw std::runtime_error("libcrypto failed in a test's own code");
    }
}

inline Bytes from_hex(const std::string& hex) {
    Bytes bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        bytes.push_back(static_cast<std::uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
    }
    return bytes;
}

inline void append(Bytes& to, const Bytes& from) {
    to.insert(to.end(), from.begin(), from.end());
}

struct Keys {
    Bytes key;
    Bytes iv;
    Bytes header;
};

struct Version {
    std::uint32_t number;
    Bytes salt;
    std::string label; ///< "quic " or "quicv2 "
    unsigned initial_type = 0;
};

inline Version version_1() {
    return {1, from_hex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"), "quic "};
}
inline Version version_2() {
    return {0x6b3343cf, from_hex("0dede3def700a6db819381be6e269dcbf9bd2ed9"), "quicv2 ", 1};
}
inline Version draft_29() {
    return {0xff00001d, from_hex("afbfec289993d24c9e9786f19c6111e04390a899"), "quic "};
}
inline Version google_50() {
    return {0x51303530, from_hex("504574efd066fe2f9d945cfcdbd3a7f0d3b56b45"), "quic "};
}

inline Bytes hkdf(int mode, Bytes key, Bytes salt_or_info, std::size_t size) {
    const std::unique_ptr<EVP_KDF, void (*)(EVP_KDF*)> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr),
                                                           EVP_KDF_free);
    const std::unique_ptr<EVP_KDF_CTX, void (*)(EVP_KDF_CTX*)> context(EVP_KDF_CTX_new(kdf.get()),
                                                                       EVP_KDF_CTX_free);
    char digest[] = "SHA256";
    const char* kind =
        mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY ? OSSL_KDF_PARAM_SALT : OSSL_KDF_PARAM_INFO;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key.data(), key.size()),
        OSSL_PARAM_construct_octet_string(kind, salt_or_info.data(), salt_or_info.size()),
        OSSL_PARAM_construct_end()};
    Bytes out(size);
    require(EVP_KDF_derive(context.get(), out.data(), out.size(), params) == 1);
    return out;
}

inline Bytes expand_label(const Bytes& secret, const std::string& label, std::size_t size) {
    const std::string full = "tls13 " + label;
    Bytes info{0, static_cast<std::uint8_t>(size), static_cast<std::uint8_t>(full.size())};
    info.insert(info.end(), full.begin(), full.end());
    info.push_back(0);
    return hkdf(EVP_KDF_HKDF_MODE_EXPAND_ONLY, secret, info, size);
}

inline Keys keys_of(const Version& version, const Bytes& connection_id,
                    const std::string& side = "client in") {
    const Bytes initial = hkdf(EVP_KDF_HKDF_MODE_EXTRACT_ONLY, connection_id, version.salt, 32);
    const Bytes secret = expand_label(initial, side, 32);
    return {expand_label(secret, version.label + "key", 16),
            expand_label(secret, version.label + "iv", 12),
            expand_label(secret, version.label + "hp", 16)};
}

/// Encrypts and puts header protection on. `header` ends with a packet number of `number_bytes`.
inline Bytes seal(const Keys& keys, Bytes header, std::size_t number_bytes, const Bytes& plain) {
    Bytes nonce = keys.iv;
    for (std::size_t i = 0; i < number_bytes; ++i) {
        nonce[nonce.size() - 1 - i] ^= header[header.size() - 1 - i];
    }
    const std::unique_ptr<EVP_CIPHER_CTX, void (*)(EVP_CIPHER_CTX*)> context(EVP_CIPHER_CTX_new(),
                                                                             EVP_CIPHER_CTX_free);
    Bytes body(plain.size() + 16);
    int length = 0;
    require(EVP_EncryptInit_ex(context.get(), EVP_aes_128_gcm(), nullptr, keys.key.data(),
                               nonce.data()) == 1);
    require(EVP_EncryptUpdate(context.get(), nullptr, &length, header.data(),
                              static_cast<int>(header.size())) == 1);
    require(EVP_EncryptUpdate(context.get(), body.data(), &length, plain.data(),
                              static_cast<int>(plain.size())) == 1);
    require(EVP_EncryptFinal_ex(context.get(), body.data() + length, &length) == 1);
    require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, 16,
                                body.data() + plain.size()) == 1);
    Bytes mask(32);
    require(EVP_EncryptInit_ex(context.get(), EVP_aes_128_ecb(), nullptr, keys.header.data(),
                               nullptr) == 1);
    require(EVP_EncryptUpdate(context.get(), mask.data(), &length, body.data() + 4 - number_bytes,
                              16) == 1);
    header[0] = static_cast<std::uint8_t>(header[0] ^ (mask[0] & 0x0fU));
    for (std::size_t i = 0; i < number_bytes; ++i) {
        header[header.size() - number_bytes + i] ^= mask[1 + i];
    }
    append(header, body);
    return header;
}

inline void put_varint(Bytes& to, std::size_t value) { // always two bytes long
    to.push_back(static_cast<std::uint8_t>(0x40 | value >> 8));
    to.push_back(static_cast<std::uint8_t>(value));
}

inline Bytes crypto_frame(std::size_t offset, const Bytes& data) {
    Bytes frame{6};
    put_varint(frame, offset);
    put_varint(frame, data.size());
    append(frame, data);
    return frame;
}

struct Initial {
    Version version = version_1();
    Bytes destination{1, 2, 3, 4, 5, 6, 7, 8};
    Bytes keyed_by; ///< connection ID the keys come from, when it is not the destination
    Bytes token;
    std::uint8_t number = 0;
    std::size_t pad_to = 1162; ///< frames are padded to this size
    unsigned type = 0xff;      ///< of the packet, when not Initial
    std::string side = "client in";
};

inline Bytes initial_packet(const Initial& how, Bytes frames) {
    if (frames.size() < how.pad_to) {
        frames.resize(how.pad_to);
    }
    const unsigned type = how.type == 0xff ? how.version.initial_type : how.type;
    Bytes header{static_cast<std::uint8_t>(0xc1 | type << 4)}; // a packet number of two bytes
    for (int shift = 24; shift >= 0; shift -= 8) {
        header.push_back(static_cast<std::uint8_t>(how.version.number >> shift));
    }
    header.push_back(static_cast<std::uint8_t>(how.destination.size()));
    append(header, how.destination);
    header.push_back(0); // no source ID
    if (type == how.version.initial_type) {
        put_varint(header, how.token.size());
        append(header, how.token);
    }
    put_varint(header, 2 + frames.size() + 16);
    append(header, {0, how.number});
    const Bytes& keyed_by = how.keyed_by.empty() ? how.destination : how.keyed_by;
    return seal(keys_of(how.version, keyed_by, how.side), header, 2, frames);
}

} // namespace foregate::dataplane::quic_test
