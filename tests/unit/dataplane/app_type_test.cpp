// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/app_type.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace foregate::dataplane {
namespace {

constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;

TEST(AppType, NamesGoThereAndBack) {
    std::set<std::string> seen;
    for (std::size_t i = 0; i < kAppTypeCount; ++i) {
        const auto type = static_cast<AppType>(i);
        const std::string_view name = app_type_name(type);
        EXPECT_TRUE(seen.insert(std::string(name)).second) << name;
        EXPECT_EQ(app_type_from_name(name), type);
        EXPECT_EQ(name.find('_'), std::string_view::npos) << name;
    }
    EXPECT_EQ(seen.size(), 20U);
    EXPECT_EQ(app_type_name(AppType::file_sharing), "file-sharing");
    EXPECT_EQ(app_type_name(static_cast<AppType>(200)), "other");
    EXPECT_EQ(app_type_from_name("file_sharing"), std::nullopt);
    EXPECT_EQ(app_type_from_name(""), std::nullopt);
}

TEST(AppType, WellKnownPorts) {
    const struct {
        std::uint8_t proto;
        std::uint16_t port;
        AppType type;
    } rows[] = {
        {kTcp, 22, AppType::management},
        {kTcp, 80, AppType::web},
        {kTcp, 443, AppType::web},
        {kUdp, 443, AppType::web},
        {kTcp, 8080, AppType::web},
        {kTcp, 8443, AppType::web},
        {kTcp, 5432, AppType::database},
        {kTcp, 3306, AppType::database},
        {kTcp, 1433, AppType::database},
        {kTcp, 1521, AppType::database},
        {kTcp, 27017, AppType::database},
        {kTcp, 6379, AppType::database},
        {kTcp, 445, AppType::file_sharing},
        {kTcp, 2049, AppType::file_sharing},
        {kUdp, 53, AppType::name_service},
        {kTcp, 53, AppType::name_service},
        {kTcp, 389, AppType::directory},
        {kTcp, 636, AppType::directory},
        {kUdp, 88, AppType::directory},
        {kTcp, 464, AppType::directory},
        {kTcp, 3268, AppType::directory},
        {kTcp, 25, AppType::mail},
        {kTcp, 465, AppType::mail},
        {kTcp, 587, AppType::mail},
        {kTcp, 993, AppType::mail},
        {kTcp, 995, AppType::mail},
        {kTcp, 143, AppType::mail},
        {kTcp, 110, AppType::mail},
        {kTcp, 3389, AppType::remote_desktop},
        {kUdp, 3389, AppType::remote_desktop},
        {kUdp, 4172, AppType::remote_desktop},
        {kTcp, 1494, AppType::remote_desktop},
        {kTcp, 2598, AppType::remote_desktop},
        {kTcp, 22443, AppType::remote_desktop},
        {kUdp, 123, AppType::management},
        {kTcp, 9100, AppType::printing},
        {kUdp, 51820, AppType::vpn},
        {kTcp, 5061, AppType::voice},
        {kUdp, 3478, AppType::conferencing},
        {kTcp, 5905, AppType::remote_desktop},
        {kTcp, 0, AppType::other},
        {kTcp, 65535, AppType::other},
        {kUdp, 22, AppType::other},
        {kTcp, 51820, AppType::other},
        {kTcp, 40000, AppType::other},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(app_type_of_port(row.proto, row.port), row.type)
            << int{row.proto} << "/" << row.port;
    }
}

TEST(AppType, ProtocolsWithoutPorts) {
    EXPECT_EQ(app_type_of_port(50, 0), AppType::vpn);
    EXPECT_EQ(app_type_of_port(47, 443), AppType::vpn);
    EXPECT_EQ(app_type_of_port(1, 443), AppType::other);
    EXPECT_EQ(app_type_of_port(132, 443), AppType::other);
}

} // namespace
} // namespace foregate::dataplane
