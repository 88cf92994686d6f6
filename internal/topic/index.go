package topic

import (
	"slices"
	"strings"
)

// Index finds the subscriptions whose patterns take in a topic, in a time that
// does not grow with the number of the others. It is built once and then safe
// for concurrent use; the zero value and nil are empty.
type Index struct {
	root node
	size int
}

// node is where patterns with the same beginning meet.
type node struct {
	literal map[string]*node
	any     *node    // under "*"
	here    []string // subscriptions whose pattern ends here
	rest    []string // those with ">" here
}

// Add adds a subscription. Its pattern must be valid.
func (x *Index) Add(subscription, pattern string) {
	x.size++
	n := &x.root
	for token := range strings.SplitSeq(pattern, ".") {
		switch token {
		case ">":
			n.rest = append(n.rest, subscription)
			return
		case "*":
			if n.any == nil {
				n.any = &node{}
			}
			n = n.any
		default:
			next := n.literal[token]
			if next == nil {
				if n.literal == nil {
					n.literal = map[string]*node{}
				}
				next = &node{}
				n.literal[token] = next
			}
			n = next
		}
	}
	n.here = append(n.here, subscription)
}

// Len is the number of subscriptions.
func (x *Index) Len() int { return x.size }

// Match returns the subscriptions that take in a topic, sorted.
func (x *Index) Match(name string) []string {
	if x == nil || x.size == 0 {
		return nil
	}
	found := x.root.match(name, nil)
	slices.Sort(found)
	return found
}

func (n *node) match(name string, found []string) []string {
	found = append(found, n.rest...)
	token, rest, more := strings.Cut(name, ".")
	for _, next := range [...]*node{n.literal[token], n.any} {
		switch {
		case next == nil:
		case more:
			found = next.match(rest, found)
		default:
			found = append(found, next.here...)
		}
	}
	return found
}
