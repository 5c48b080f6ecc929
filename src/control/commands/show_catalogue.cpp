// SPDX-License-Identifier: BSD-3-Clause
// show catalogue; catalogue reload
#include "control/commands/show.h"
#include "control/commands/values.h"
#include "control/gateway.h"

namespace foregate::control {

CommandResult show_catalogue(Gateway& gateway, const CommandArgs&) {
    const dataplane::Catalogue* catalogue = gateway.catalogue.catalogue();
    Json value;
    value["names"] = catalogue != nullptr ? catalogue->names() - 1 : 0;
    value["signatures"] = catalogue != nullptr ? catalogue->signatures() : 0;
    value["host_patterns"] = catalogue != nullptr ? catalogue->host_patterns() : 0;
    value["table_bytes"] = catalogue != nullptr ? catalogue->memory_bytes() : 0;
    value["loads"] = gateway.catalogue.loads();
    value["load_took_ms"] = gateway.catalogue.load_took().count();
    const std::string& error = gateway.catalogue.last_error();
    value["last_error"] = error.empty() ? Json(nullptr) : Json(error);
    value["files"] = Json::array();
    for (const auto& file : gateway.catalogue.files()) {
        value["files"].push_back(file.string());
    }
    return CommandResult::success(std::move(value));
}

CommandResult catalogue_reload(Gateway& gateway, const CommandArgs&) {
    const bool begun = gateway.catalogue.reload();
    return CommandResult::success({{"reload", begun ? "begun" : "follows the one that is running"},
                                   {"loads_before", gateway.catalogue.loads()}});
}

} // namespace foregate::control
