// Package house holds no code of the product. Its test keeps the rules of the
// house, which ARCHITECTURE.md lists: who may import whom, and what packages
// may not be called.
package house
