import { create } from "zustand";

const useConnectionState = create(() => ({ online: true, reachable: true }));

if (typeof window !== "undefined") {
  const update = () => useConnectionState.setState({ online: navigator.onLine });
  window.addEventListener("online", update);
  window.addEventListener("offline", update);
  update();
}

/** Every request and the event stream call this with their outcome. */
export function setReachable(reachable: boolean) {
  useConnectionState.setState({ reachable });
}

export function useConnection(): "ok" | "offline" | "unreachable" {
  return useConnectionState(({ online, reachable }) => (online ? (reachable ? "ok" : "unreachable") : "offline"));
}
