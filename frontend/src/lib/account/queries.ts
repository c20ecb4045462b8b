import { queryOptions, useQuery } from "@tanstack/react-query";
import { getMe, listSessions, listTokens } from "@/lib/api/auth";
import type { User } from "@/lib/api/types";

export const meQuery = queryOptions({ queryKey: ["me"], queryFn: getMe, staleTime: Number.POSITIVE_INFINITY });
export const sessionsQuery = queryOptions({ queryKey: ["sessions"], queryFn: listSessions });
export const tokensQuery = queryOptions({ queryKey: ["tokens"], queryFn: listTokens });

/** The user who is signed in. `initialData` is what the server already knows. */
export const useMe = (initialData?: User) => useQuery({ ...meQuery, initialData });
