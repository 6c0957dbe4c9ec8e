/* The interface of the software Synapse, declared anew from its published facts: names, values, layouts. */
#ifndef SYNAPSE_SIM_H
#define SYNAPSE_SIM_H

#ifdef __cplusplus
extern "C" {
#endif

#include "synapse_sim/functions.h"
#include "synapse_sim/graph_params.h"
#include "synapse_sim/kernel_params.h"
#include "synapse_sim/kernel_params_more.h"

/* Beyond the vendor's. Texts are JSON; `size` gets the room they need, `out` may be NULL to ask for it. */

/* Calls and failures of every function. */
int32_t synapse_sim_counts(char* out, size_t room, size_t* size);
/* Objects that are live now, by kind. */
int32_t synapse_sim_live(char* out, size_t room, size_t* size);
/* What the real runtime would have crashed on, or got wrong silently, as a list of texts. */
int32_t synapse_sim_misuse(char* out, size_t room, size_t* size);
/* Forgets counts, misuse and plans of failures. */
int32_t synapse_sim_reset(void);
/* Writes a line to the log. */
int32_t synapse_sim_mark(const char* line);
/* Plans a failure: "synLaunch:2:synFail", or "synLaunch:1:async:synFail" for the work of the call. */
int32_t synapse_sim_inject(const char* plan);

#ifdef __cplusplus
}
#endif

#endif
