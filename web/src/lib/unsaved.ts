// Who holds what a change of the page would lose, and whether right now.
export const unsaved = new Set<() => boolean>();

export const anyUnsaved = () => [...unsaved].some((holds) => holds());
