// SPDX-License-Identifier: BSD-3-Clause
#include "control/forecast_command.h"

#include "forecast/forecast_csv.h"

#include <algorithm>
#include <fstream>
#include <ostream>
#include <stdexcept>

namespace foregate::control {

namespace {

void check(const ForecastArguments& arguments) {
    if (arguments.horizon < 1) {
        throw std::invalid_argument("--horizon: expected a number of steps from 1");
    }
    if (arguments.seasons.empty() || arguments.seasons.size() > 2 ||
        std::any_of(arguments.seasons.begin(), arguments.seasons.end(), [](int s) { return s < 1; })) {
        throw std::invalid_argument("--season: expected one or two numbers of steps from 1");
    }
}

} // namespace

int run_forecast_command(const ForecastArguments& arguments, std::ostream& err) {
    check(arguments);
    std::ifstream in(arguments.in);
    if (!in) {
        err << arguments.in << ":0: cannot be read\n";
        return 1;
    }
    std::vector<forecast::NamedForecast> forecasts;
    try {
        for (const forecast::NamedSeries& named : forecast::parse_series(in)) {
            forecast::Series series;
            series.values = named.values;
            series.season = arguments.seasons.front();
            series.long_season = arguments.seasons.size() > 1 ? arguments.seasons[1] : 0;
            forecast::ForecastOptions options;
            options.horizon = arguments.horizon;
            forecasts.push_back({named.name, forecast::forecast(series, options)});
        }
    } catch (const forecast::CsvError& error) {
        err << arguments.in << ':' << error.what() << '\n';
        return 1;
    }
    std::ofstream out(arguments.out);
    forecast::format_forecasts(out, forecasts);
    out.flush();
    if (!out) {
        err << arguments.out << ":0: cannot be written\n";
        return 1;
    }
    return 0;
}

} // namespace foregate::control
