type Options = {
  id?: string;
  description?: string;
  action?: { label: string; onClick: () => void };
};

const DURATION_MS = 8_000;

// The page loads the module at its start, because it could not be loaded while offline.
const loadToaster = () => import("@/components/ui/toaster");

async function show(kind: "success" | "error", message: string, options: Options, duration: number) {
  const { toast } = await loadToaster();
  toast[kind](message, { ...options, duration, closeButton: true });
}

export const notify = {
  success: (message: string, options: Options = {}) => show("success", message, options, DURATION_MS),

  /** A notification with an action stays until the user has chosen the action or closed it. */
  error: (message: string, options: Options = {}) =>
    show("error", message, options, options.action ? Number.POSITIVE_INFINITY : DURATION_MS),

  dismiss: async (id: string) => void (await loadToaster()).toast.dismiss(id),
};
