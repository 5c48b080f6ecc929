// SPDX-License-Identifier: BSD-3-Clause
// The test framework, compiled once. Only to build faster: nothing may rely on it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>
