// SPDX-License-Identifier: BSD-3-Clause
// Records that outlive the process, and the file that holds them: what is trusted and what is not.
#include "dataplane/splice/splice_file.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace foregate::dataplane {
namespace {

SpliceRecord some_record(std::uint16_t held_port = 20000) {
    SpliceTerms terms;
    terms.seq_delta = 0xfffffff1U;
    terms.ts_delta = 5;
    terms.server_delta = 6;
    terms.server_ts_delta = 7;
    terms.held_port = held_port;
    terms.desktop_port = 50000;
    terms.server_port = 443;
    terms.timestamps = true;
    const HeldTuple tuple{*IpAddress::parse("10.1.0.10"), *IpAddress::parse("203.0.113.5"),
                          held_port, 443};
    return record_of(tuple, terms, 60);
}

TEST(SpliceRecords, RoundTrip) {
    SpliceRecord at;
    EXPECT_FALSE(usable(at));
    write_record(at, some_record(), RecordKind::spliced);
    ASSERT_TRUE(usable(at));
    const SpliceTerms terms = terms_of(at);
    EXPECT_EQ(terms.seq_delta, 0xfffffff1U);
    EXPECT_EQ(terms.ts_delta, 5U);
    EXPECT_EQ(terms.server_delta, 6U);
    EXPECT_EQ(terms.server_ts_delta, 7U);
    EXPECT_EQ(terms.held_port, 20000);
    EXPECT_EQ(terms.desktop_port, 50000);
    EXPECT_EQ(terms.server_port, 443);
    EXPECT_TRUE(terms.timestamps);
    EXPECT_FALSE(terms.sack);
    EXPECT_EQ(tuple_of(at).source_port, 20000);
    clear_record(at);
    EXPECT_FALSE(usable(at));
}

TEST(SpliceRecords, NoDamagedByteIsUsed) {
    SpliceRecord good;
    write_record(good, some_record(), RecordKind::spliced);
    for (std::size_t byte = 0; byte < offsetof(SpliceRecord, unused); ++byte) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            SpliceRecord damaged = good;
            reinterpret_cast<std::uint8_t*>(&damaged)[byte] ^= static_cast<std::uint8_t>(1U << bit);
            EXPECT_FALSE(usable(damaged)) << byte << ' ' << bit;
        }
    }
}

TEST(SpliceRecords, ImpossibleOnesAreNotUsed) {
    SpliceRecord at;
    SpliceRecord r = some_record();
    r.desktop_port = 0;
    write_record(at, r, RecordKind::spliced);
    EXPECT_FALSE(usable(at));
    write_record(at, r, RecordKind::held);
    EXPECT_TRUE(usable(at)) << "nobody's yet";
    r = some_record();
    r.server = *IpAddress::parse("2001:db8::5");
    write_record(at, r, RecordKind::spliced);
    EXPECT_FALSE(usable(at));
}

class SpliceFiles : public ::testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/foregate-splices-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        folder = name;
        path = folder + "/splices";
    }
    void TearDown() override { std::filesystem::remove_all(folder); }
    /// A file as a process leaves it that had two workers.
    void leave_behind() {
        SpliceFile file(path, 2, 8);
        write_record(file.region(0)[3], some_record(20003), RecordKind::spliced);
        write_record(file.region(1)[7], some_record(20017), RecordKind::held);
        file.replace();
    }
    /// What a new process makes of it.
    std::string why_not() {
        const SpliceFile next(path, 1, 4);
        EXPECT_TRUE(next.left_behind().empty());
        return next.why_not();
    }
    void overwrite(std::streamoff at, const std::string& bytes) const {
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(at);
        file << bytes;
    }

    std::string folder, path;
};

TEST_F(SpliceFiles, NothingThereIsNoComplaint) {
    const SpliceFile file(path, 1, 4);
    EXPECT_TRUE(file.left_behind().empty());
    EXPECT_EQ(file.why_not(), "");
}

TEST_F(SpliceFiles, OutlivesItsProcessAndItsWorkers) {
    leave_behind();
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    SpliceFile next(path, 1, 4);
    EXPECT_EQ(next.why_not(), "");
    ASSERT_EQ(next.left_behind().size(), 2U);
    EXPECT_EQ(next.left_behind()[0].held_port, 20003);
    EXPECT_EQ(next.left_behind()[1].kind, RecordKind::held);
    EXPECT_EQ(next.region(0).size(), 4U);
    EXPECT_EQ(next.region(0)[0].kind, RecordKind::none);
    // Killed before it has taken over: the one after it finds the same.
    EXPECT_EQ(SpliceFile(path, 1, 4).left_behind().size(), 2U);
    next.replace();
    EXPECT_TRUE(next.left_behind().empty());
}

TEST_F(SpliceFiles, OtherPeoplesFilesAreNotTrusted) {
    leave_behind();
    ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
    EXPECT_EQ(why_not(), "not this user's alone");
    std::filesystem::rename(path, folder + "/elsewhere");
    std::filesystem::create_symlink("elsewhere", path);
    EXPECT_NE(why_not(), "");
    std::filesystem::remove(path);
    std::filesystem::create_directory(path);
    EXPECT_EQ(why_not(), "not a regular file");
}

TEST_F(SpliceFiles, OtherLayoutsAndBootsAreLeftAside) {
    leave_behind();
    overwrite(0, "x");
    EXPECT_EQ(why_not(), "not such a file");
    leave_behind();
    overwrite(8, "\x7f");
    EXPECT_EQ(why_not(), "of another version");
    leave_behind();
    overwrite(24, "another boot");
    EXPECT_EQ(why_not(), "of before the machine's start");
    leave_behind();
    std::filesystem::resize_file(path, 5000);
    EXPECT_EQ(why_not(), "of the wrong length");
    std::filesystem::resize_file(path, 10);
    EXPECT_EQ(why_not(), "too short");
}

TEST_F(SpliceFiles, NoPlaceIsAnErrorAtStart) {
    EXPECT_THROW(SpliceFile("/nonexistent/splices", 1, 4), std::runtime_error);
}

} // namespace
} // namespace foregate::dataplane
