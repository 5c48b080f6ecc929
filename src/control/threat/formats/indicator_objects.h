// SPDX-License-Identifier: BSD-3-Clause
// What single JSON objects say: STIX indicators, MISP attributes, MISP warning lists, records of
// abuse.ch and of Suricata's datasets with JSON. Each function takes an object whose own objects
// are already taken out, and returns whether it was of its kind. Pure; they throw std::bad_alloc
// only.
#pragma once

#include "control/threat/feed_intake.h"

#include <nlohmann/json_fwd.hpp>

namespace foregate::control {

/// "type": "indicator" with a "pattern"; "valid_until" is its end, "revoked" ones are skipped.
bool read_stix_indicator(const nlohmann::json& object, FeedIntake& intake);
/// "type", "value" and "to_ids" or "category"; those not meant for detection are skipped.
bool read_misp_attribute(const nlohmann::json& object, FeedIntake& intake);
/// "list" with "matching_attributes" or "type".
bool read_warning_list(const nlohmann::json& object, FeedIntake& intake);
/// The first of "ioc_value", "ioc", "url", "domain", "host", "ip", ... that is there; with its
/// port.
bool read_record(const nlohmann::json& object, FeedIntake& intake);

} // namespace foregate::control
