// SPDX-License-Identifier: BSD-3-Clause
#include "control/console/render.h"

#include <gtest/gtest.h>

namespace foregate::control {
namespace {

using Json = nlohmann::ordered_json;

const Json kRows = {{{"name", "a"}, {"rate_bps", 5}},
                    {{"name", "long"}, {"rate_bps", 1234567.5}, {"up", true}}};

TEST(ConsoleRender, TableInOrderOfInsertionNumbersRight) {
    EXPECT_EQ(render_text(kRows), "name  rate_bps  up\n"
                                  "a            5  -\n"
                                  "long   1234568  yes\n");
}

TEST(ConsoleRender, ObjectsScalarsAndNothing) {
    EXPECT_EQ(
        render_text({{"state", "active"}, {"queue", {{"bytes", 1.25}}}, {"flows", Json::array()}}),
        "state: active\nqueue:\n  bytes: 1.25\nflows: none\n");
    EXPECT_EQ(render_text({{"held", kRows}}).substr(0, 14), "held:\n  name  ");
    EXPECT_EQ(render_text(nullptr), "none\n");
    EXPECT_EQ(render_text(Json::array()), "none\n");
    EXPECT_EQ(render_text(0.00001), "1e-05\n");
    EXPECT_EQ(render_text({{"empty", nullptr}, {"list", {1, 2}}}), "empty: -\nlist: 1, 2\n");
}

TEST(ConsoleRender, NothingSteersTheTerminal) {
    EXPECT_EQ(render_text("a\x1b[2Jb\n"), "a\\x1b[2Jb\\x0a\n");
    EXPECT_EQ(render_text("\xc2\x9b"), "\\xc2\\x9b\n");
    EXPECT_NE(render_json("\xff", -1).find("\xef\xbf\xbd"), std::string::npos);
}

TEST(ConsoleRender, Pipes) {
    EXPECT_EQ(apply_pipes(kRows, {{Pipe::Kind::match, "LONG"}}).size(), 1U);
    EXPECT_EQ(apply_pipes(kRows, {{Pipe::Kind::match, "name"}}).size(), 0U); // header is no row
    EXPECT_EQ(apply_pipes(kRows, {{Pipe::Kind::count, ""}}), 2);
    EXPECT_EQ(apply_pipes(kRows, {{Pipe::Kind::match, "a"}, {Pipe::Kind::count, ""}}), 1);
    EXPECT_EQ(apply_pipes(nullptr, {{Pipe::Kind::count, ""}}), 0);
    const Json object = {{"state", "active"}, {"flows", kRows}, {"rate", 7}};
    EXPECT_EQ(apply_pipes(object, {{Pipe::Kind::match, "long"}}), Json({{"flows", {kRows[1]}}}));
    EXPECT_EQ(apply_pipes(object, {{Pipe::Kind::match, "rate"}}), Json({{"rate", 7}}));
}

} // namespace
} // namespace foregate::control
