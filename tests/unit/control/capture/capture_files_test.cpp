// SPDX-License-Identifier: BSD-3-Clause
#include "control/capture/capture_files.h"

#include "unit/control/capture/pcapng_reader.h"
#include "unit/control/threat/scratch_folder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sys/stat.h>
#include <utime.h>

namespace foregate::control {
namespace {

constexpr std::uint32_t kPacket = 6;

class CaptureFilesTest : public ::testing::Test {
protected:
    [[nodiscard]] CaptureFileSettings settings(const std::string& name, std::uint64_t size, unsigned files = 1) const {
        CaptureFileSettings out;
        out.folder = folder.path() / "captures";
        out.name = name;
        out.size_bytes = size;
        out.files = files;
        out.interfaces = {{"desktops", "a"}, {"upstream", "b"}};
        return out;
    }
    static std::size_t packets_in(const std::filesystem::path& file) {
        const auto blocks = read_pcapng(file);
        return static_cast<std::size_t>(
            std::count_if(blocks.begin(), blocks.end(), [](const PcapngBlock& b) { return b.type == kPacket; }));
    }
    static CaptureFiles::Added add(CaptureFiles& files, std::uint64_t number) {
        const std::vector<std::uint8_t> frame(100, static_cast<std::uint8_t>(number));
        return files.add(1, number, PacketDirection::inbound, 100, frame);
    }
    ScratchFolder folder;
};

TEST_F(CaptureFilesTest, IsReadableByItsOwnerOnly) {
    CaptureFiles files(settings("one", 1'000'000));
    ASSERT_EQ(add(files, 1), CaptureFiles::Added::yes);
    const CaptureFiles::Statistics statistics[] = {{0, 0}, {1, 2}};
    ASSERT_TRUE(files.finish(statistics, 9));
    struct stat status {};
    ASSERT_EQ(::stat(files.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    ASSERT_EQ(::stat(files.path().parent_path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0700U);
    const auto blocks = read_pcapng(files.path());
    ASSERT_EQ(blocks.size(), 1U + 2 + 1 + 2); // section, interfaces, packet, statistics
    EXPECT_EQ(blocks[1].options.at(2), "desktops");
    EXPECT_EQ(blocks[2].options.at(2), "upstream");
    EXPECT_EQ(std::filesystem::file_size(files.path()), files.bytes());
}

TEST_F(CaptureFilesTest, NeverWritesToAFileThatIsThere) {
    const CaptureFiles first(settings("one", 1'000'000));
    EXPECT_THROW(CaptureFiles(settings("one", 1'000'000)), std::runtime_error);
    std::filesystem::create_symlink(folder.path() / "elsewhere", folder.path() / "captures" / "link.pcapng");
    EXPECT_THROW(CaptureFiles(settings("link", 1'000'000)), std::runtime_error);
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "elsewhere"));
}

TEST_F(CaptureFilesTest, StopsAtItsSize) {
    CaptureFiles files(settings("small", 4096));
    std::uint64_t taken = 0;
    while (add(files, taken) == CaptureFiles::Added::yes) {
        ++taken;
    }
    EXPECT_EQ(add(files, 1), CaptureFiles::Added::full);
    ASSERT_TRUE(files.finish({}, 0));
    EXPECT_LE(std::filesystem::file_size(files.path()), 4096U);
    EXPECT_GT(taken, 20U);
    EXPECT_EQ(packets_in(files.path()), taken);
}

TEST_F(CaptureFilesTest, ARingKeepsTheLastFiles) {
    CaptureFiles files(settings("ring", 4096, 3));
    for (std::uint64_t i = 0; i < 200; ++i) {
        ASSERT_EQ(add(files, i), CaptureFiles::Added::yes);
    }
    ASSERT_TRUE(files.finish({}, 0));
    EXPECT_GT(files.begun(), 4U);
    std::vector<std::filesystem::path> kept;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path() / "captures")) {
        kept.push_back(entry.path());
    }
    std::sort(kept.begin(), kept.end());
    ASSERT_EQ(kept.size(), 3U);
    EXPECT_EQ(kept.back(), files.path());
    const auto last = read_pcapng(files.path());
    EXPECT_EQ(last.front().type, 0x0a0d0d0aU); // each file stands for itself
    EXPECT_EQ(last.back().time_ns(), 199U);
    EXPECT_GT(packets_in(kept.front()), 0U);
}

TEST_F(CaptureFilesTest, OldOnesGoAndOthersStay) {
    const auto captures = folder.path() / "captures";
    for (const char* name : {"old.pcapng", "new.pcapng", "runs-0001.pcapng", "old.txt"}) {
        folder.write(std::string("captures/") + name, "x");
    }
    const auto now = std::chrono::system_clock::now();
    const std::time_t long_ago = std::chrono::system_clock::to_time_t(now - std::chrono::hours(48));
    const utimbuf times{long_ago, long_ago};
    for (const char* name : {"old.pcapng", "runs-0001.pcapng", "old.txt"}) {
        ASSERT_EQ(::utime((captures / name).c_str(), &times), 0);
    }
    EXPECT_TRUE(remove_old_captures(captures, std::chrono::seconds(0), now, "").empty()) << "0 keeps for ever";
    EXPECT_EQ(remove_old_captures(captures, std::chrono::hours(24), now, "runs"),
              std::vector<std::string>{"old.pcapng"});
    EXPECT_TRUE(std::filesystem::exists(captures / "old.txt"));
    EXPECT_TRUE(std::filesystem::exists(captures / "new.pcapng"));
    EXPECT_TRUE(remove_old_captures(folder.path() / "nowhere", std::chrono::hours(24), now, "").empty());
}

} // namespace
} // namespace foregate::control
