// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/packet/checksum.h"
#include "packet/packet_builder.h"

#include <gtest/gtest.h>

#include <random>

namespace foregate::dataplane {
namespace {

using packet_test::Bytes;

Bytes random_bytes(std::mt19937& random, std::size_t size) {
    Bytes out(size);
    for (auto& b : out) {
        // Many zeros and ones: that is where one's complement arithmetic has its two zeros.
        const unsigned kind = random() % 4;
        b = static_cast<std::uint8_t>(kind == 0 ? 0 : kind == 1 ? 0xff : random());
    }
    return out;
}

std::uint16_t sum_of(const Bytes& bytes) {
    return checksum_fold(checksum_add(bytes.data(), static_cast<std::uint32_t>(bytes.size()), 0));
}

TEST(ChecksumTest, ExampleOfRfc1071) {
    EXPECT_EQ(sum_of({0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}), 0x220d);
    EXPECT_EQ(sum_of({}), 0xffff);
    EXPECT_EQ(sum_of({0xab}), 0x54ff) << "an odd byte counts as the high one";
}

TEST(ChecksumTest, WholeSumsAgreeWithASimplerOne) {
    std::mt19937 random(1);
    for (std::size_t size = 0; size < 300; ++size) {
        const Bytes bytes = random_bytes(random, size);
        EXPECT_EQ(sum_of(bytes), packet_test::ones_complement_sum(bytes)) << size;
    }
    EXPECT_EQ(sum_of(Bytes(65535, 0xff)), packet_test::ones_complement_sum(Bytes(65535, 0xff)));
}

/// Equal as checksums: 0x0000 and 0xffff are the same number in one's complement.
bool same(std::uint16_t a, std::uint16_t b) {
    return a % 0xffff == b % 0xffff;
}

TEST(ChecksumTest, UpdatesAgreeWithTheWholeSum) {
    std::mt19937 random(2);
    for (int round = 0; round < 20'000; ++round) {
        Bytes bytes = random_bytes(random, 40);
        bytes[39] = 1; // not all zero: a sum of nothing but zeros has no second form
        const std::uint16_t before = sum_of(bytes);
        const std::size_t at = random() % 18 * 2;
        const Bytes change = random_bytes(random, 4);
        const std::uint32_t old_value = load_be32(bytes.data() + at);
        const std::uint32_t new_value = load_be32(change.data());
        store_be32(bytes.data() + at, new_value);
        EXPECT_TRUE(same(checksum_update32(before, old_value, new_value), sum_of(bytes)));
        EXPECT_EQ(checksum_update16(before, 0x1234, 0x1234) % 0xffff, before % 0xffff);
    }
}

TEST(ChecksumTest, UpdateDoesNotMakeTheWrongZero) {
    // RFC 1624 section 4: the header whose checksum becomes 0x0000, where RFC 1141 would give
    // 0xffff.
    EXPECT_EQ(checksum_update16(0xdd2f, 0x5555, 0x3285), 0x0000);
}

TEST(ChecksumTest, TransportChecksumsOfBothFamilies) {
    std::mt19937 random(3);
    const std::pair<IpAddress, IpAddress> pairs[]{
        {packet_test::address("10.1.2.3"), packet_test::address("203.0.113.250")},
        {packet_test::address("fd00::1"), packet_test::address("2001:db8::ffff")}};
    for (const auto& [src, dst] : pairs) {
        for (const std::uint8_t protocol : {kProtoTcp, kProtoUdp, kProtoIcmpv6}) {
            for (const std::size_t size : {8U, 21U, 1461U}) {
                Bytes message = random_bytes(random, size);
                store_be16(message.data() + 2, 0);
                const std::uint16_t sum = transport_checksum(
                    src, dst, protocol, message.data(), static_cast<std::uint32_t>(message.size()));
                store_be16(message.data() + 2, sum);
                EXPECT_EQ(packet_test::ones_complement_sum(
                              packet_test::with_pseudo_header(src, dst, protocol, message)),
                          0);
            }
        }
    }
}

} // namespace
} // namespace foregate::dataplane
