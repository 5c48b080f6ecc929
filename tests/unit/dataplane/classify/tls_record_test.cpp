// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/tls_record.h"

#include <gtest/gtest.h>

#include <vector>

namespace foregate::dataplane {
namespace {

using Bytes = std::vector<std::uint8_t>;

TEST(TlsRecord, KindsByTheFirstHeader) {
    EXPECT_EQ(tls_record_kind(Bytes{22, 3, 1, 2, 0, 1}), TlsRecordKind::client_hello);
    EXPECT_EQ(tls_record_kind(Bytes{22, 3, 3, 0, 90, 2}), TlsRecordKind::server_hello);
    EXPECT_EQ(tls_record_kind(Bytes{22, 3, 3, 0, 90}), TlsRecordKind::handshake);
    EXPECT_EQ(tls_record_kind(Bytes{22, 3, 3, 0, 90, 11}), TlsRecordKind::handshake);
    EXPECT_EQ(tls_record_kind(Bytes{21, 3, 1, 0, 2, 1, 0}), TlsRecordKind::alert);
    EXPECT_EQ(tls_record_kind(Bytes{20, 3, 3, 0, 1, 1}), TlsRecordKind::change_cipher);
    EXPECT_EQ(tls_record_kind(Bytes{23, 3, 3, 64, 0, 9}), TlsRecordKind::application_data);
    EXPECT_TRUE(looks_like_tls_record(Bytes{23, 3, 3, 0, 0}));
}

TEST(TlsRecord, OtherBytesAreNone) {
    for (const Bytes& bytes :
         {Bytes{}, Bytes{22, 3, 1, 2}, Bytes{25, 3, 3, 0, 5}, Bytes{22, 2, 1, 2, 0},
          Bytes{22, 3, 5, 2, 0}, Bytes{23, 3, 3, 0x48, 1}, Bytes{22, 3, 1, 0, 0},
          Bytes{20, 3, 1, 0, 2}}) {
        EXPECT_EQ(tls_record_kind(bytes), TlsRecordKind::none);
    }
}

TEST(TlsRecord, TheNextHeaderIsCheckedToo) {
    Bytes bytes{20, 3, 3, 0, 1, 1, 22, 3, 3, 0, 40};
    EXPECT_EQ(tls_record_kind(bytes), TlsRecordKind::change_cipher);
    bytes[6] = 'x';
    EXPECT_EQ(tls_record_kind(bytes), TlsRecordKind::none);
    EXPECT_EQ(tls_record_kind(Bytes{20, 3, 3, 0, 1, 1, 22}), TlsRecordKind::change_cipher);
    EXPECT_EQ(tls_record_kind(Bytes{20, 3, 3, 0, 1, 1, 22, 9, 9}), TlsRecordKind::none);
}

TEST(TlsRecord, Ssl2Hello) {
    Bytes hello{0x80, 9 + 6 + 16, 1, 3, 1, 0, 6, 0, 0, 0, 16};
    hello.resize(2 + 9 + 6 + 16);
    EXPECT_TRUE(looks_like_ssl2_hello(hello));
    EXPECT_TRUE(looks_like_ssl2_hello(std::span(hello).first(11)));
    EXPECT_FALSE(looks_like_ssl2_hello(std::span(hello).first(10)));
    for (const auto& [at, value] :
         {std::pair{0, 0}, {1, 30}, {2, 4}, {3, 4}, {6, 7}, {8, 1}, {10, 15}}) {
        Bytes wrong = hello;
        wrong[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(value);
        EXPECT_FALSE(looks_like_ssl2_hello(wrong)) << at;
    }
}

TEST(TlsRecord, Dtls) {
    Bytes record{22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3};
    EXPECT_TRUE(looks_like_dtls(record));
    record[2] = 0xfd;
    EXPECT_TRUE(looks_like_dtls(record));
    record[12] = 4; // longer than the datagram
    EXPECT_FALSE(looks_like_dtls(record));
    record[12] = 3;
    record[0] = 26;
    EXPECT_FALSE(looks_like_dtls(record));
    record[0] = 23;
    record[1] = 3;
    EXPECT_FALSE(looks_like_dtls(record));
    EXPECT_FALSE(looks_like_dtls(Bytes(12, 22)));
}

} // namespace
} // namespace foregate::dataplane
