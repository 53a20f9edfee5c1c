/** What ssh on a bastion runs to know the key that Hopline shows, once or twice for each connection. */
export const KNOWN_HOSTS = '/usr/lib/hopline/known-hosts';
