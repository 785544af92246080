// What a platform can do while it runs. Windows: Server 2008 and later on x64, which adds and replaces memory
// and never removes any. Linux: what its memory hotplug does, on hardware that supports all of it. Sources:
// "Introduction to Dynamic Hardware Partitioning" (Windows drivers);
// Documentation/admin-guide/mm/memory-hotplug.rst.

/** A platform by its name. */
export type PlatformName = 'linux' | 'windows';

/** What can be done to memory while a platform runs. */
export interface PlatformSim {
  /** Its name. */
  readonly name: PlatformName;
  /** Whether a module can be swapped for a spare. */
  readonly hotReplace: boolean;
  /** Whether a module can be taken out. */
  readonly hotRemove: boolean;
  /** True: /proc and /sys are there. False: total memory is all that is told, and it is polled (S9). */
  readonly kernelFiles: boolean;
}

export const PLATFORMS: Readonly<Record<PlatformName, PlatformSim>> = {
  linux: { name: 'linux', hotReplace: true, hotRemove: true, kernelFiles: true },
  windows: { name: 'windows', hotReplace: true, hotRemove: false, kernelFiles: false },
};
