type Options = { id?: string; description?: string; action?: { label: string; run: () => void }; sticky?: boolean };

const DURATION_MS = 8_000;

// Loaded with the page: offline it would be too late.
const toasts = () => import("@/components/ui/toaster");

async function show(kind: "success" | "error", message: string, { id, description, action, sticky }: Options = {}) {
  const { toast } = await toasts();
  toast[kind](message, {
    ...(id && { id }),
    description,
    duration: sticky ? Number.POSITIVE_INFINITY : DURATION_MS,
    closeButton: true,
    action: action && { label: action.label, onClick: action.run },
  });
}

export const notify = {
  done: (message: string, options?: Options) => show("success", message, options),
  dismiss: async (id: string) => void (await toasts()).toast.dismiss(id),
  /** With a way out it stays until it is used or closed. */
  failed: (message: string, options?: Options) =>
    show("error", message, { sticky: Boolean(options?.action), ...options }),
};
