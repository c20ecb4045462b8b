"use client";

import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { ThemeProvider } from "next-themes";
import { lazy, type ReactNode, useState } from "react";
import { ClientOnly } from "@/components/client-only";
import { LiveRegion } from "@/lib/announce";
import { ApiError } from "@/lib/api/problem";
import { goToSignIn } from "@/lib/navigation";

const Toaster = lazy(() => import("@/components/ui/toaster"));

function createQueryClient() {
  const onError = (error: unknown) => {
    if (error instanceof ApiError && error.code === "unauthorized") goToSignIn();
  };
  return new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        networkMode: "always",
        refetchOnWindowFocus: false,
        retry: (failures, error) => failures < 2 && error instanceof ApiError && error.unreachable,
      },
      // Without a network, a change fails at once. If it waited for the network, closing the tab would lose it.
      mutations: { networkMode: "always" },
    },
  });
}

export function Providers({ nonce, children }: { nonce: string | undefined; children: ReactNode }) {
  const [client] = useState(createQueryClient);
  return (
    <ThemeProvider attribute="class" enableSystem disableTransitionOnChange nonce={nonce}>
      <QueryClientProvider client={client}>
        {children}
        <LiveRegion />
        <ClientOnly>
          <Toaster />
        </ClientOnly>
      </QueryClientProvider>
    </ThemeProvider>
  );
}
