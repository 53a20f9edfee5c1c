/** The protocols that have a room, for the supervisor: it knows their names, and loads none of their parsers. */
export const PROTOCOLS = ['tcp', 'postgres', 'ssh'] as const;
