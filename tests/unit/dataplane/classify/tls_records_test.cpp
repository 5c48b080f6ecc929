// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/tls_records.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace foregate::dataplane {
namespace {

using Bytes = std::vector<std::uint8_t>;

TEST(TlsRecords, HandshakesAlertsAndCipherChangesAreSure) {
    EXPECT_EQ(look_at_tls_records(Bytes{22, 3, 1, 2, 0, 1, 0, 1, 252}), RecordLook::sure);
    EXPECT_EQ(look_at_tls_records(Bytes{22, 3, 3, 0, 90, 2, 0, 0, 86}), RecordLook::sure);
    EXPECT_EQ(look_at_tls_records(Bytes{21, 3, 1, 0, 2, 1, 0}), RecordLook::sure);
    EXPECT_EQ(look_at_tls_records(Bytes{20, 3, 3, 0, 1, 1}), RecordLook::sure);
}

TEST(TlsRecords, DataAndEncryptedHandshakesAreLikely) {
    EXPECT_EQ(look_at_tls_records(Bytes{23, 3, 3, 64, 0, 9}), RecordLook::likely);
    EXPECT_EQ(look_at_tls_records(Bytes{22, 3, 3, 0, 90, 99, 1, 2, 3}), RecordLook::likely);
    EXPECT_EQ(look_at_tls_records(Bytes{23, 3, 3, 0, 1, 9, 23, 3, 3, 0, 7}), RecordLook::sure);
}

TEST(TlsRecords, OtherBytesAreNone) {
    for (const Bytes& bytes : {Bytes{}, Bytes{22, 3, 1, 2}, Bytes{25, 3, 3, 0, 5}, Bytes{22, 2, 1, 2, 0},
                               Bytes{22, 3, 5, 2, 0}, Bytes{23, 3, 3, 0x48, 1}, Bytes{22, 3, 1, 0, 0}}) {
        EXPECT_EQ(look_at_tls_records(bytes), RecordLook::none);
    }
}

TEST(TlsRecords, TheNextHeaderIsCheckedToo) {
    Bytes bytes{20, 3, 3, 0, 1, 1, 22, 3, 3, 0, 40};
    EXPECT_EQ(look_at_tls_records(bytes), RecordLook::sure);
    bytes[6] = 'x';
    EXPECT_EQ(look_at_tls_records(bytes), RecordLook::none);
}

TEST(TlsRecords, Ssl2Hello) {
    Bytes hello{0x80, 9 + 6 + 16, 1, 3, 1, 0, 6, 0, 0, 0, 16};
    hello.resize(2 + 9 + 6 + 16);
    EXPECT_TRUE(is_sslv2_hello(hello));
    EXPECT_TRUE(is_sslv2_hello(std::span(hello).first(11)));
    EXPECT_FALSE(is_sslv2_hello(std::span(hello).first(10)));
    for (const auto& [at, value] : {std::pair{0, 0}, {1, 30}, {2, 5}, {3, 4}, {6, 7}, {8, 1}, {10, 15}}) {
        Bytes wrong = hello;
        wrong[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(value);
        EXPECT_FALSE(is_sslv2_hello(wrong)) << at;
    }
}

TEST(TlsRecords, Dtls) {
    Bytes record{22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 3};
    EXPECT_EQ(look_at_dtls_records(record), RecordLook::sure);
    record[2] = 0xfd;
    EXPECT_EQ(look_at_dtls_records(record), RecordLook::sure);
    record[12] = 5; // longer than the datagram
    EXPECT_EQ(look_at_dtls_records(record), RecordLook::none);
    record[12] = 4;
    record[0] = 27;
    EXPECT_EQ(look_at_dtls_records(record), RecordLook::none);
    record[0] = 23;
    record[1] = 3;
    EXPECT_EQ(look_at_dtls_records(record), RecordLook::none);
    EXPECT_EQ(look_at_dtls_records(Bytes(12, 22)), RecordLook::none);
}

} // namespace
} // namespace foregate::dataplane
