package rhai

import (
	"slices"
	"strings"
)

// Entry is a key of an object map and its value.
type Entry struct {
	Key   string
	Value Value
}

// MapOf returns an object map with the entries, which it puts in order. Of several with one key the last counts.
func MapOf(entries []Entry) Value {
	orderEntries(entries)
	n := 0
	for i := range entries {
		if i+1 < len(entries) && entries[i].Key == entries[i+1].Key {
			continue
		}
		entries[n] = entries[i]
		n++
	}
	entries = entries[:n]
	if n > chunkMax {
		m := &mapObj{hdr: hdr{kind: KindMap, flags: freshFlags, depth: 1}, own: true}
		for i := range entries {
			v := share(entries[i].Value)
			m.over(v)
			m.put(entries[i].Key, v)
		}
		return m.value()
	}
	m := newOwned(n)
	for i := range entries {
		v := share(entries[i].Value)
		m.over(v)
		m.keys[i], m.vals[i] = entries[i].Key, v
	}
	return m.value()
}

// over makes the container deep enough for v.
func (h *hdr) over(v Value) {
	if d := valueDepth(v); d >= int(h.depth) {
		h.depth = around(d)
	}
}

// orderEntries sorts by key; equal keys stay in their order.
func orderEntries(entries []Entry) {
	if len(entries) > 12 {
		slices.SortStableFunc(entries, func(a, b Entry) int { return strings.Compare(a.Key, b.Key) })
		return
	}
	for i := 1; i < len(entries); i++ {
		for j := i; j > 0 && entries[j].Key < entries[j-1].Key; j-- {
			entries[j], entries[j-1] = entries[j-1], entries[j]
		}
	}
}

// ownMap4 is a map whose keys and values live in the same allocation.
type ownMap4 struct {
	mapObj
	names [inlineMax]string
	room  [inlineMax]Value
}

// newOwned makes a map with room for n keys of its own, at most chunkMax.
func newOwned(n int) *mapObj {
	h := mapObj{hdr: hdr{kind: KindMap, flags: freshFlags, depth: 1}, own: true}
	if n <= inlineMax {
		h.flags |= flagRoom | flagNames
		m := &ownMap4{mapObj: h}
		m.keys, m.vals = m.names[:n:n], m.room[:n:n]
		return &m.mapObj
	}
	h.keys, h.vals = make([]string, n), make([]Value, n)
	return &h
}
