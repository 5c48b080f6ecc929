// SPDX-License-Identifier: BSD-3-Clause
// The text form of series and forecasts, on streams the caller opens and names.
#pragma once

#include "forecast/forecaster.h"

#include <istream>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

namespace foregate::forecast {

// what() is "line: message", counted from 1; the caller puts the file's name before it.
class CsvError : public std::runtime_error {
public:
    CsvError(int line, const std::string& message)
        : std::runtime_error(std::to_string(line) + ": " + message), line_(line) {}
    int line() const { return line_; }

private:
    int line_;
};

struct NamedSeries {
    std::string name;
    std::vector<double> values; // in the order of the rows; empty, NA or nan: missing
};

struct NamedForecast {
    std::string name;
    Forecast forecast;
};

// Header `series,step,value` or `series,timestamp,value`, columns in any order, others ignored.
// Series come in the order of their first row. Rows of one series must be in order: steps whole
// numbers that grow (a step left out becomes a missing value, at most a million in a row),
// timestamps that grow as text, or as numbers if all are numbers. Throws CsvError.
std::vector<NamedSeries> parse_series(std::istream& in);

// Header `series,step,mean,q025,q10,q50,q90,q975`; steps from 1; shortest digits that read back to
// the same double.
void format_forecasts(std::ostream& out, const std::vector<NamedForecast>& forecasts);

} // namespace foregate::forecast
