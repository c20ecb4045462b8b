import { useQuery } from "@tanstack/react-query";
import { getMe } from "@/lib/api/auth";
import type { User } from "@/lib/api/types";

export const meKey = ["me"] as const;

export function useMe(initialData?: User) {
  return useQuery({ queryKey: meKey, queryFn: getMe, initialData, staleTime: Number.POSITIVE_INFINITY });
}
