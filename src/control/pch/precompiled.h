// SPDX-License-Identifier: BSD-3-Clause
// Library headers that most of the control plane reads, compiled once. Only to build faster: nothing may rely on it.
#pragma once

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>
