// SPDX-License-Identifier: BSD-3-Clause
#include "control/usage/usage_csv.h"

#include "control/usage/usage_store.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <fstream>
#include <sstream>

namespace foregate::control {
namespace {

using std::chrono::seconds;

const std::string kHeader = "bucket,class,app,destination,desktops,connections,failed,"
                            "packets_up,packets_down,bytes_up,bytes_down\n";

UsageCsvFormat office_format() {
    UsageCsvFormat format;
    format.class_names = {"office", "plant"};
    return format;
}

UsageCsv read(const std::string& lines, const UsageCsvFormat& format = office_format()) {
    std::istringstream in(kHeader + lines);
    return read_usage_csv(in, "f.csv", format);
}

TEST(UsageCsvTest, ReadsRowsLocalTimeAndEpoch) {
    const auto csv = read("# comment\n\n"
                          "2027-01-15 08:00,office,database,DB.lab:5432,6,7,1,10,20,100,200\r\n"
                          "1800000300,plant,web,other,9,1,0,1,1,1,1\n"
                          "1800000600,,,,,,,,,,\n");
    EXPECT_TRUE(csv.errors.empty()) << csv.errors[0];
    ASSERT_EQ(csv.buckets.size(), 3U);
    EXPECT_EQ(csv.rows, 3U);
    EXPECT_EQ(csv.buckets.at(1800000000)[0],
              (UsageRecord{1800000000, "office", AppType::database, "db.lab:5432", 100, 200, 10, 20,
                           7, 1, 6}));
    EXPECT_TRUE(csv.buckets.at(1800000600).empty());
}

TEST(UsageCsvTest, LocalTimeIsOfTheZone) {
    UsageCsvFormat format = office_format();
    format.zone = TimeZone("Europe/Berlin");
    const auto csv = read("2027-01-15 09:00,office,web,a:80,6,1,0,1,1,1,1\n"
                          "2027-03-28 02:30,office,web,a:80,6,1,0,1,1,1,1\n",
                          format);
    EXPECT_TRUE(csv.buckets.contains(1800000000));
    ASSERT_EQ(csv.errors.size(), 1U);
    EXPECT_NE(csv.errors[0].find("f.csv:3: bucket '2027-03-28 02:30': the clocks skip"),
              std::string::npos);
}

TEST(UsageCsvTest, RowsOfFewDesktopsAreFolded) {
    const auto csv = read("1800000000,office,web,secret.lab:443,2,5,0,1,1,10,20\n"
                          "1800000000,office,web,other,8,5,0,1,1,30,40\n"
                          "1800000300,office,web,secret.lab:443,2,5,0,1,1,10,20\n");
    EXPECT_EQ(csv.folded_rows, 2U);
    EXPECT_EQ(csv.dropped_rows, 1U);
    ASSERT_EQ(csv.buckets.at(1800000000).size(), 1U);
    EXPECT_EQ(csv.buckets.at(1800000000)[0].destination, "other");
    EXPECT_EQ(csv.buckets.at(1800000000)[0].bytes_up, 40U);
    EXPECT_TRUE(csv.buckets.at(1800000300).empty());
}

TEST(UsageCsvTest, BadLinesAreNamed) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"1800000000,office,web,a:80,6,1,0,1,1,1", "expected 11 fields, found 10"},
        {"1800000000,office,web,a:80,6,1,0,1,1,1,1,1", "expected 11 fields, found 12"},
        {"1800000001,office,web,a:80,6,1,0,1,1,1,1", "not the start of a bucket"},
        {"yesterday,office,web,a:80,6,1,0,1,1,1,1", "bucket 'yesterday'"},
        {"1800000000,sales,web,a:80,6,1,0,1,1,1,1", "class 'sales' is not in the config"},
        {"1800000000,office,webs,a:80,6,1,0,1,1,1,1", "app 'webs'"},
        {"1800000000,office,web,a,6,1,0,1,1,1,1", "destination 'a'"},
        {"1800000000,office,web,a:80,-6,1,0,1,1,1,1", "desktops '-6'"},
        {"1800000000,office,web,a:80,6,1,2,1,1,1,1", "failed is more than connections"},
        {"1800000000,office,web,a:80,6,1,0,1,1,1,18446744073709551616", "bytes_down"},
        {"1800000000,office,web,a:80,6,1,0,1.5,1,1,1", "packets_up '1.5'"},
    };
    for (const auto& [line, message] : cases) {
        const auto csv = read(line + "\n");
        ASSERT_EQ(csv.errors.size(), 1U) << line;
        EXPECT_EQ(csv.errors[0].rfind("f.csv:2: ", 0), 0U) << csv.errors[0];
        EXPECT_NE(csv.errors[0].find(message), std::string::npos) << csv.errors[0];
        EXPECT_EQ(csv.rows, 0U);
    }
    const auto twice = read("1800000000,office,web,a:80,6,1,0,1,1,1,1\n"
                            "1800000000,office,web,A:80,6,1,0,1,1,1,1\n");
    ASSERT_EQ(twice.errors.size(), 1U);
    EXPECT_EQ(twice.errors[0].rfind("f.csv:3: ", 0), 0U);
}

TEST(UsageCsvTest, WithoutItsHeaderNothingIsRead) {
    std::istringstream in("1800000000,office,web,a:80,6,1,0,1,1,1,1\n");
    EXPECT_EQ(read_usage_csv(in, "f.csv", office_format()).errors.size(), 1U);
    std::istringstream empty("");
    EXPECT_EQ(read_usage_csv(empty, "f.csv", office_format()).errors.size(), 1U);
}

TEST(UsageCsvTest, QuietBucketsAreFilledOnRequest) {
    auto csv = read("1800000000,office,web,a:80,6,1,0,1,1,1,1\n"
                    "1800000900,office,web,a:80,6,1,0,1,1,1,1\n");
    EXPECT_EQ(csv.buckets.size(), 2U);
    fill_quiet_buckets(csv, seconds{300});
    EXPECT_EQ(csv.buckets.size(), 4U);
    EXPECT_TRUE(csv.buckets.at(1800000300).empty());
}

class UsageCommands : public testing::Test {
protected:
    void SetUp() override {
        const auto* test = testing::UnitTest::GetInstance()->current_test_info();
        folder = std::filesystem::path(testing::TempDir()) / ("usage-" + std::to_string(getpid())) /
                 test->name();
        std::filesystem::remove_all(folder);
        std::filesystem::create_directories(folder);
        config.system.state_dir = folder;
        config.analytics.time_zone = "Europe/Berlin";
        config.classes.resize(1);
        config.classes[0].name = "office";
    }
    void TearDown() override { std::filesystem::remove_all(folder); }
    int import(const std::string& lines, bool skip_bad = false) {
        std::ofstream(folder / "in.csv") << kHeader << lines;
        UsageImportOptions options;
        options.file = folder / "in.csv";
        options.skip_bad = skip_bad;
        out.str("");
        err.str("");
        return run_usage_import(config, options, out, err);
    }
    std::string exported() {
        std::ostringstream text;
        EXPECT_EQ(run_usage_export(config, {}, text, err), 0) << err.str();
        return text.str();
    }
    std::filesystem::path folder;
    Config config;
    std::ostringstream out;
    std::ostringstream err;
};

TEST_F(UsageCommands, ExportGivesBackWhatImportTook) {
    // 02:30 comes twice that night: the second one can only be written as seconds.
    const std::string lines = "2026-10-25 02:30,office,web,a.lab:80,6,1,0,1,1,10,20\n"
                              "2026-10-25 02:35,,,,,,,,,,\n"
                              "1792891800,office,web,a.lab:80,7,1,0,1,1,10,20\n";
    ASSERT_EQ(import(lines), 0) << err.str();
    EXPECT_NE(out.str().find("imported 2 records in 3 buckets"), std::string::npos) << out.str();
    EXPECT_EQ(exported(), kHeader + lines);
    ASSERT_EQ(import(lines), 0); // again: replaced, not added
    EXPECT_EQ(exported(), kHeader + lines);
}

TEST_F(UsageCommands, OneBadLineAndNothingIsImportedUnlessAsked) {
    const std::string lines = "2026-10-26 02:30,office,web,a.lab:80,6,1,0,1,1,10,20\n"
                              "2026-10-26 02:35,office,web,nowhere,6,1,0,1,1,10,20\n";
    EXPECT_EQ(import(lines), 1);
    EXPECT_NE(err.str().find("in.csv:3: destination 'nowhere'"), std::string::npos) << err.str();
    EXPECT_FALSE(std::filesystem::exists(usage_database(config)));
    EXPECT_EQ(import(lines, true), 0) << err.str();
    EXPECT_EQ(exported(), kHeader + "2026-10-26 02:30,office,web,a.lab:80,6,1,0,1,1,10,20\n");
}

TEST_F(UsageCommands, PruneAndExportOfARange) {
    ASSERT_EQ(import("2026-10-26 00:00,office,web,a.lab:80,6,1,0,1,1,10,20\n"
                     "2026-10-27 00:00,office,web,a.lab:80,6,1,0,1,1,10,20\n"
                     "2026-10-28 00:00,office,web,a.lab:80,6,1,0,1,1,10,20\n"),
              0);
    UsageExportOptions range;
    range.from = parse_local_time("2026-10-27 00:00");
    range.to = parse_local_time("2026-10-28 00:00");
    std::ostringstream text;
    ASSERT_EQ(run_usage_export(config, range, text, err), 0);
    EXPECT_EQ(text.str(), kHeader + "2026-10-27 00:00,office,web,a.lab:80,6,1,0,1,1,10,20\n");
    ASSERT_EQ(run_usage_prune(config, {*parse_local_time("2026-10-28 00:00")}, out, err), 0);
    EXPECT_EQ(exported(), kHeader + "2026-10-28 00:00,office,web,a.lab:80,6,1,0,1,1,10,20\n");
}

TEST_F(UsageCommands, FaultsAreErrorsNotCrashes) {
    UsageImportOptions options;
    options.file = folder / "none.csv";
    EXPECT_EQ(run_usage_import(config, options, out, err), 1);
    EXPECT_NE(err.str().find("none.csv: cannot be read"), std::string::npos);
    config.analytics.time_zone = "Mars/Olympus";
    EXPECT_EQ(run_usage_export(config, {}, out, err), 1);
    config.analytics.time_zone = "UTC";
    config.analytics.database = folder / "in.csv" / "usage.db";
    std::ofstream(folder / "in.csv") << "x";
    EXPECT_EQ(run_usage_export(config, {}, out, err), 1);
}

} // namespace
} // namespace foregate::control
