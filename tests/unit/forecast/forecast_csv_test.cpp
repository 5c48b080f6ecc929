// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/forecast_csv.h"

#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

namespace foregate::forecast {
namespace {

std::vector<NamedSeries> parse(const std::string& text) {
    std::istringstream in(text);
    return parse_series(in);
}

std::string error_of(const std::string& text) {
    try {
        parse(text);
    } catch (const CsvError& error) {
        return error.what();
    }
    return "no error";
}

TEST(ForecastCsv, ReadsSeriesInTheOrderOfTheirFirstRow) {
    const auto all = parse("series,step,value\nb,1,2.5\na,7,1e3\nb,2,-4\r\n\na,8,+3\n");
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].name, "b");
    EXPECT_EQ(all[0].values, (std::vector<double>{2.5, -4}));
    EXPECT_EQ(all[1].values, (std::vector<double>{1000, 3}));
}

TEST(ForecastCsv, MissingIsNotZero) {
    const auto all = parse("series,step,value\na,1,1\na,2,\na,3,NA\na,4,nan\na,7,5\n");
    ASSERT_EQ(all[0].values.size(), 7U);
    for (const std::size_t i : {1U, 2U, 3U, 4U, 5U}) {
        EXPECT_TRUE(std::isnan(all[0].values[i])) << i;
    }
    EXPECT_EQ(all[0].values[6], 5);
}

TEST(ForecastCsv, TimestampsColumnsAndQuotes) {
    const auto all = parse("\xEF\xBB\xBFvalue,note,timestamp,series\n"
                           "1,x,2026-11-20 09:55,\"a,\"\"b\"\"\"\n"
                           "2,,2026-11-20 10:00,\"a,\"\"b\"\"\"\n");
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].name, "a,\"b\"");
    EXPECT_EQ(all[0].values, (std::vector<double>{1, 2}));
    EXPECT_EQ(parse("series,timestamp,value\na,995,1\na,1000,2\n")[0].values.size(), 2U);
}

TEST(ForecastCsv, ErrorsNameTheLine) {
    EXPECT_EQ(error_of(""), "1: the input is empty: expected a header");
    EXPECT_EQ(error_of("a,b,c\n"),
              "1: expected the header series,step,value or series,timestamp,value");
    EXPECT_EQ(error_of("series,step,value\na,1\n"), "2: expected 3 fields, got 2");
    EXPECT_EQ(error_of("series,step,value\na,1,1\n\na,2,x\n"),
              "4: value: expected a finite number, empty or NA, got \"x\"");
    EXPECT_EQ(error_of("series,step,value\na,1,inf\n"),
              "2: value: expected a finite number, empty or NA, got \"inf\"");
    EXPECT_EQ(error_of("series,step,value\na,1.5,1\n"),
              "2: step: expected a whole number, got \"1.5\"");
    EXPECT_EQ(error_of("series,step,value\na,2,1\na,2,1\n"),
              "3: step: expected more than 2 in series \"a\", got 2");
    EXPECT_EQ(error_of("series,step,value\na,-9223372036854775808,1\na,9223372036854775807,1\n"),
              "3: step: more than a million steps left out before 9223372036854775807");
    EXPECT_EQ(error_of("series,timestamp,value\na,10:00,1\na,09:00,1\n"),
              "3: timestamp: expected later than \"10:00\" in series \"a\", got \"09:00\"");
    EXPECT_EQ(error_of("series,step,value\n\"a,1,1\n"), "2: a quote is not closed");
}

TEST(ForecastCsv, WritesWhatReadsBack) {
    Forecast forecast;
    forecast.steps = {{0.1, -1, 0, 0.1, 1e22, 1.0 / 3}, {2, 2, 2, 2, 2, 2}};
    std::ostringstream out;
    format_forecasts(out, {{"a,b", forecast}});
    EXPECT_EQ(out.str(), "series,step,mean,q025,q10,q50,q90,q975\n"
                         "\"a,b\",1,0.1,-1,0,0.1,1e+22,0.3333333333333333\n"
                         "\"a,b\",2,2,2,2,2,2,2\n");
}

} // namespace
} // namespace foregate::forecast
