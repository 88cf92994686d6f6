// Package auth knows who is asking and what they may do: passwords, sessions,
// the limit on sign-in attempts, roles with their permissions, and the first
// owner. It speaks to the store's contracts only and serves no HTTP by itself.
//
// Everything exported here is safe for concurrent use unless it says otherwise.
package auth
