// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/tls_certificate.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace foregate::dataplane {
namespace {

using Bytes = std::vector<std::uint8_t>;

void put24(Bytes& to, std::size_t value) {
    to.push_back(static_cast<std::uint8_t>(value >> 16));
    to.push_back(static_cast<std::uint8_t>(value >> 8));
    to.push_back(static_cast<std::uint8_t>(value));
}

struct Attribute {
    std::string type;
    std::string value;
};

X509_NAME* new_name(const std::vector<Attribute>& attributes) {
    X509_NAME* name = X509_NAME_new();
    for (const Attribute& one : attributes) {
        X509_NAME_add_entry_by_txt(name, one.type.c_str(), MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(one.value.c_str()), -1,
                                   -1, 0);
    }
    return name;
}

/// A certificate made by libcrypto; `alternatives` in its own notation, "DNS:a.example,IP:1.2.3.4".
Bytes certificate(const std::vector<Attribute>& subject, const std::vector<Attribute>& issuer,
                  const std::string& alternatives, bool critical = false) {
    const std::unique_ptr<X509, void (*)(X509*)> cert(X509_new(), X509_free);
    const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    X509_set_version(cert.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), 77);
    const std::unique_ptr<X509_NAME, void (*)(X509_NAME*)> of(new_name(subject), X509_NAME_free);
    const std::unique_ptr<X509_NAME, void (*)(X509_NAME*)> by(new_name(issuer), X509_NAME_free);
    X509_set_subject_name(cert.get(), of.get());
    X509_set_issuer_name(cert.get(), by.get());
    X509_time_adj_ex(X509_getm_notBefore(cert.get()), 0, 0, nullptr);
    X509_time_adj_ex(X509_getm_notAfter(cert.get()), 9, 0, nullptr);
    X509_set_pubkey(cert.get(), key.get());
    for (const auto& [id, text] :
         {std::pair<int, std::string>{NID_key_usage, "digitalSignature"},
          {NID_subject_alt_name, (critical ? "critical," : "") + alternatives}}) {
        if (id == NID_subject_alt_name && alternatives.empty()) {
            continue;
        }
        const std::unique_ptr<X509_EXTENSION, void (*)(X509_EXTENSION*)> extension(
            X509V3_EXT_conf_nid(nullptr, nullptr, id, text.c_str()), X509_EXTENSION_free);
        EXPECT_TRUE(extension) << text;
        X509_add_ext(cert.get(), extension.get(), -1);
    }
    EXPECT_GT(X509_sign(cert.get(), key.get(), EVP_sha256()), 0);
    unsigned char* der = nullptr;
    const int size = i2d_X509(cert.get(), &der);
    Bytes bytes(der, der + size);
    OPENSSL_free(der);
    return bytes;
}

/// ServerHello and Certificate in records of at most `record` bytes.
Bytes server_stream(const Bytes& cert, std::size_t record = 16384) {
    Bytes handshake{2, 0, 0, 38, 3, 3};
    handshake.resize(4 + 38, 0x77);
    handshake.push_back(11);
    put24(handshake, 3 + 3 + cert.size());
    put24(handshake, 3 + cert.size());
    put24(handshake, cert.size());
    handshake.insert(handshake.end(), cert.begin(), cert.end());
    Bytes stream;
    for (std::size_t at = 0; at < handshake.size(); at += record) {
        const std::size_t step = std::min(record, handshake.size() - at);
        stream.insert(stream.end(), {22, 3, 3, static_cast<std::uint8_t>(step >> 8),
                                     static_cast<std::uint8_t>(step)});
        stream.insert(stream.end(), handshake.begin() + static_cast<std::ptrdiff_t>(at),
                      handshake.begin() + static_cast<std::ptrdiff_t>(at + step));
    }
    return stream;
}

TEST(TlsCertificate, SubjectIssuerAndNames) {
    const Bytes cert = certificate(
        {{"C", "DE"}, {"O", "Somebody"}, {"CN", "www.One.example"}},
        {{"O", "acme"}, {"CN", "acme-ca-3"}},
        "DNS:www.one.example,IP:192.0.2.1,DNS:*.two.example,email:a@b.example,DNS:three.example",
        true);
    for (const std::size_t record : {std::size_t{16384}, std::size_t{100}}) {
        TlsCertificateNames names;
        ASSERT_EQ(parse_tls_certificate(server_stream(cert, record), names), TlsResult::found);
        EXPECT_EQ(names.subject.view(), "www.one.example");
        EXPECT_EQ(names.issuer.view(), "acme-ca-3");
        ASSERT_EQ(names.name_count, 3);
        EXPECT_EQ(names.names[0].view(), "www.one.example");
        EXPECT_EQ(names.names[1].view(), "two.example");
        EXPECT_EQ(names.names[2].view(), "three.example");
    }
}

TEST(TlsCertificate, OnlyASubject) {
    TlsCertificateNames names;
    ASSERT_EQ(parse_tls_certificate(
                  server_stream(certificate({{"CN", "old.example"}}, {{"O", "acme"}}, "")), names),
              TlsResult::found);
    EXPECT_EQ(names.subject.view(), "old.example");
    EXPECT_EQ(names.issuer.view(), "acme");
    EXPECT_EQ(names.name_count, 0);
    EXPECT_EQ(
        parse_tls_certificate(server_stream(certificate({{"O", "x"}}, {{"O", "acme"}}, "")), names),
        TlsResult::none);
}

TEST(TlsCertificate, MoreNamesThanAreKept) {
    std::string alternatives = "DNS:n0.example";
    for (int i = 1; i < 40; ++i) {
        alternatives += ",DNS:n" + std::to_string(i) + ".example";
    }
    TlsCertificateNames names;
    ASSERT_EQ(
        parse_tls_certificate(
            server_stream(certificate({{"CN", "a.example"}}, {{"CN", "b"}}, alternatives)), names),
        TlsResult::found);
    EXPECT_EQ(names.name_count, TlsCertificateNames::kMaxNames);
    EXPECT_EQ(names.names[3].view(), "n3.example");
}

TEST(TlsCertificate, EveryTruncationIsIncompleteUntilANameIsThere) {
    const Bytes stream =
        server_stream(certificate({{"CN", "cut.example"}}, {{"CN", "b"}}, "DNS:cut.example"), 200);
    bool found = false;
    for (std::size_t size = 0; size <= stream.size(); ++size) {
        TlsCertificateNames names;
        const TlsResult result = parse_tls_certificate(std::span(stream).first(size), names);
        ASSERT_TRUE(result == TlsResult::incomplete || result == TlsResult::found) << size;
        ASSERT_FALSE(found && result != TlsResult::found) << size;
        found = result == TlsResult::found;
        EXPECT_TRUE(!found || names.names[0].view() == "cut.example") << size;
        EXPECT_TRUE(names.subject.empty() || names.subject.view() == "cut.example") << size;
    }
    EXPECT_TRUE(found);
}

TEST(TlsCertificate, OtherStreams) {
    TlsCertificateNames names;
    Bytes encrypted = server_stream({});
    encrypted.resize(5 + 42);
    encrypted[4] = 42;
    EXPECT_EQ(parse_tls_certificate(encrypted, names), TlsResult::incomplete);
    encrypted.insert(encrypted.end(), {20, 3, 3, 0, 1, 1}); // TLS 1.3, or a resumed session
    EXPECT_EQ(parse_tls_certificate(encrypted, names), TlsResult::none);
    EXPECT_EQ(parse_tls_certificate(Bytes{22, 3, 1, 0, 40, 1}, names), TlsResult::not_tls);
    EXPECT_EQ(parse_tls_certificate(Bytes{'H', 'T', 'T', 'P'}, names), TlsResult::not_tls);
    EXPECT_EQ(parse_tls_certificate(server_stream(Bytes(300, 0x30)), names), TlsResult::none);
}

} // namespace
} // namespace foregate::dataplane
