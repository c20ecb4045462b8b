import type { EndReason } from "@/lib/api/types";

/** Why a turn ended before it was done, and the message with which the user can let the assistant go on. */
export const EARLY_ENDS: Partial<Record<EndReason, { text: string; goOn: string }>> = {
  rounds: { text: "The assistant took as many steps as one answer may have.", goOn: "Go on" },
  length: { text: "The answer was cut off: the model had no more room for it.", goOn: "Continue" },
  repeated: {
    text: "The assistant wanted to do the same thing for the third time, and was stopped.",
    goOn: "Go on",
  },
};
