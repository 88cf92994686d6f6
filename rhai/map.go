package rhai

import (
	"strings"
	"unsafe"
)

// mapObj is a Rhai object map: keys in byte order and their values, in
// parallel. Literals share their key vector (the shape); a map that gains or
// loses a key owns its own. A map of more than chunkMax keys keeps them in
// chunks instead, so that inserting stays cheap.
//
// It is written only when flags has no flagShared. Code outside this file
// uses the methods, never the fields.
type mapObj struct {
	hdr
	own  bool       // keys may be written in place
	lazy *lazyError // when not nil, the entries are yet to be made
	keys []string
	vals []Value
	big  *bigMap // when not nil, keys and vals are empty
}

// bigMap holds chunks in key order; no chunk is empty.
type bigMap struct {
	n      int
	chunks []*chunk
}

type chunk struct {
	keys []string
	vals []Value
}

const (
	mapHead   = 80
	keySize   = 16
	chunkMax  = 128
	chunkHead = 64

	inlineMax = 4
)

// mapBytes is the charge of a map of n keys of its own.
func mapBytes(n int) int64 {
	if n <= inlineMax {
		return mapHead + inlineMax*(valueSize+keySize)
	}
	return mapHead + sizeClass(int64(n)*valueSize) + sizeClass(int64(n)*keySize)
}

// shapedBytes is the charge of a map that shares its keys.
func shapedBytes(n int) int64 {
	if n <= inlineMax {
		return mapHead + inlineMax*valueSize
	}
	return mapHead + sizeClass(int64(n)*valueSize)
}

// map4 is a map whose values live in the same allocation.
type map4 struct {
	mapObj
	room [inlineMax]Value
}

// inline is the room for keys and values that belongs to the object itself, in bytes. The map may have outgrown it.
func (m *mapObj) inline() (keys, vals int64) {
	if m.flags&flagRoom != 0 {
		vals = inlineMax * valueSize
	}
	if m.flags&flagNames != 0 {
		keys = inlineMax * keySize
	}
	return keys, vals
}

// newShaped makes a map over a shared, sorted key vector; every value is unit.
func newShaped(keys []string) *mapObj {
	if len(keys) <= inlineMax {
		m := &map4{mapObj: mapObj{hdr: hdr{kind: KindMap, flags: freshFlags | flagRoom, depth: 1}, keys: keys}}
		m.vals = m.room[:len(keys):len(keys)]
		return &m.mapObj
	}
	return &mapObj{hdr: hdr{kind: KindMap, flags: freshFlags, depth: 1}, keys: keys, vals: make([]Value, len(keys))}
}

// newMap allocates an empty map within the run's memory limit.
func (vm *machine) newMap() (*mapObj, error) {
	if err := vm.alloc(mapHead); err != nil {
		return nil, err
	}
	m := &mapObj{hdr: hdr{kind: KindMap, flags: freshFlags, depth: 1}, own: true}
	vm.building(&m.hdr)
	return m, nil
}

func (m *mapObj) value() Value { return Value{p: &m.hdr} }

// Map returns an object map with the given entries.
func Map(entries map[string]Value) Value {
	keys := make([]string, 0, len(entries))
	for k := range entries {
		keys = append(keys, k)
	}
	sortStrings(keys)
	m := &mapObj{hdr: hdr{kind: KindMap, flags: freshFlags, depth: 1}, own: true}
	small := len(keys) <= chunkMax
	if small {
		m = newShaped(keys)
		m.own = true
	}
	for i, k := range keys {
		v := share(entries[k])
		if d := valueDepth(v); d >= int(m.depth) {
			m.depth = around(d)
		}
		if small {
			m.vals[i] = v
		} else {
			m.put(k, v)
		}
	}
	return m.value()
}

// len is the number of keys.
func (m *mapObj) len() int {
	if m.big != nil {
		return m.big.n
	}
	return len(m.keys)
}

// search finds key in a sorted vector: its index, or where it belongs.
func search(keys []string, key string) (int, bool) {
	if len(keys) <= 8 {
		for i, k := range keys {
			if len(k) == len(key) && unsafe.StringData(k) == unsafe.StringData(key) {
				return i, true
			}
			if k >= key {
				return i, k == key
			}
		}
		return len(keys), false
	}
	lo, hi := 0, len(keys)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		c := strings.Compare(keys[mid], key)
		if c == 0 {
			return mid, true
		}
		if c < 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, false
}

// chunkFor is the chunk in which key is or belongs.
func (b *bigMap) chunkFor(key string) int {
	lo, hi := 1, len(b.chunks)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if b.chunks[mid].keys[0] <= key {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo - 1
}

// slot is a pointer to the value of key, or nil. It is valid until the map
// gains or loses a key.
func (m *mapObj) slot(key string) *Value {
	if m.big != nil {
		if len(m.big.chunks) == 0 {
			return nil
		}
		c := m.big.chunks[m.big.chunkFor(key)]
		if i, ok := search(c.keys, key); ok {
			return &c.vals[i]
		}
		return nil
	}
	if i, ok := search(m.keys, key); ok {
		return &m.vals[i]
	}
	return nil
}

// get borrows the value of key; a value to be kept goes through share.
func (m *mapObj) get(key string) (Value, bool) {
	if s := m.slot(key); s != nil {
		return *s, true
	}
	return Value{}, false
}

// put sets key without charging. The map must be unique.
func (m *mapObj) put(key string, v Value) {
	*m.insert(key) = v
}

// insert returns the slot of key, making one (unit) when it is missing.
func (m *mapObj) insert(key string) *Value {
	if m.big != nil {
		return m.big.insert(key)
	}
	i, ok := search(m.keys, key)
	if ok {
		return &m.vals[i]
	}
	n := len(m.keys)
	if n >= chunkMax {
		keys, vals := m.keys, m.vals
		if !m.own {
			keys = append([]string(nil), keys...)
		}
		m.big = &bigMap{n: n, chunks: []*chunk{{keys: keys, vals: vals}}}
		m.keys, m.vals = nil, nil
		return m.big.insert(key)
	}
	if !m.own || n == cap(m.keys) {
		c := growCap(n, n+1)
		keys := make([]string, n+1, c)
		copy(keys, m.keys[:i])
		copy(keys[i+1:], m.keys[i:])
		m.keys, m.own = keys, true
	} else {
		m.keys = m.keys[:n+1]
		copy(m.keys[i+1:], m.keys[i:n])
	}
	m.keys[i] = key
	if n == cap(m.vals) {
		vals := make([]Value, n+1, growCap(n, n+1))
		copy(vals, m.vals[:i])
		copy(vals[i+1:], m.vals[i:])
		m.vals = vals
	} else {
		m.vals = m.vals[:n+1]
		copy(m.vals[i+1:], m.vals[i:n])
	}
	m.vals[i] = Value{}
	return &m.vals[i]
}

func (b *bigMap) insert(key string) *Value {
	if len(b.chunks) == 0 {
		b.chunks = append(b.chunks, &chunk{})
	}
	ci := b.chunkFor(key)
	c := b.chunks[ci]
	i, ok := search(c.keys, key)
	if ok {
		return &c.vals[i]
	}
	if len(c.keys) >= chunkMax {
		half := len(c.keys) / 2
		if i == len(c.keys) && ci == len(b.chunks)-1 {
			half = i - 1 // keys that come in order fill their chunks
		}
		r := &chunk{
			keys: append(make([]string, 0, chunkMax), c.keys[half:]...),
			vals: append(make([]Value, 0, chunkMax), c.vals[half:]...),
		}
		clear(c.keys[half:])
		clear(c.vals[half:])
		c.keys, c.vals = c.keys[:half], c.vals[:half]
		b.chunks = append(b.chunks, nil)
		copy(b.chunks[ci+2:], b.chunks[ci+1:])
		b.chunks[ci+1] = r
		if i > half {
			c, i = r, i-half
		}
	}
	b.n++
	c.keys = append(c.keys, "")
	copy(c.keys[i+1:], c.keys[i:])
	c.keys[i] = key
	c.vals = append(c.vals, Value{})
	copy(c.vals[i+1:], c.vals[i:])
	c.vals[i] = Value{}
	return &c.vals[i]
}

// set stores v, which the map keeps from now on, charging new storage first.
// The map must be unique.
func (vm *machine) setKey(m *mapObj, key string, v Value) error {
	s := m.slot(key)
	if s == nil {
		if err := vm.chargeKey(m); err != nil {
			return err
		}
		s = m.insert(key)
	}
	if v.p != nil && v.p.depth >= m.depth {
		if err := m.deepen(v); err != nil {
			return err
		}
	}
	*s = v
	return nil
}

// payKey charges for looking for a long key: it is compared with others that may begin alike.
func (vm *machine) payKey(key Value) error {
	if n := key.strLen(); n >= 64 {
		return vm.charge(int64(n) >> 6)
	}
	return nil
}

// chargeKey charges for one more key.
func (vm *machine) chargeKey(m *mapObj) error {
	n := m.len()
	if vm.limits.MaxMapSize > 0 && n+1 > vm.limits.MaxMapSize {
		return newError(ErrDataTooLarge, "Size of object map")
	}
	var bytes int64
	switch {
	case m.big != nil || n >= chunkMax:
		bytes = 3 * (keySize + valueSize) // a chunk is half empty at worst
	case !m.own || n == cap(m.keys):
		bytes = sizeClass(int64(growCap(n, n+1)) * (keySize + valueSize))
	}
	if bytes > 0 {
		return vm.alloc(bytes)
	}
	return nil
}

// remove takes key out and returns its value. The map must be unique.
func (m *mapObj) remove(key string) (Value, bool) {
	if b := m.big; b != nil {
		if len(b.chunks) == 0 {
			return Value{}, false
		}
		ci := b.chunkFor(key)
		c := b.chunks[ci]
		i, ok := search(c.keys, key)
		if !ok {
			return Value{}, false
		}
		v := c.vals[i]
		c.keys, c.vals = cut(c.keys, i), cut(c.vals, i)
		b.n--
		if len(c.keys) == 0 {
			b.chunks = cut(b.chunks, ci)
		}
		return v, true
	}
	i, ok := search(m.keys, key)
	if !ok {
		return Value{}, false
	}
	v := m.vals[i]
	if !m.own {
		m.keys = append(make([]string, 0, len(m.keys)), m.keys...)
		m.own = true
	}
	m.keys, m.vals = cut(m.keys, i), cut(m.vals, i)
	return v, true
}

func cut[T any](s []T, i int) []T {
	copy(s[i:], s[i+1:])
	var zero T
	s[len(s)-1] = zero
	return s[:len(s)-1]
}

// clear empties the map. The map must be unique.
func (m *mapObj) clear() {
	m.keys, m.vals, m.big, m.own = nil, nil, nil, true
}

// mapIter walks a map in key order.
type mapIter struct {
	m     *mapObj
	ci, i int
}

func (m *mapObj) iter() mapIter { return mapIter{m: m} }

// next returns the next key and a pointer to its value, borrowed; ok is false
// at the end. The map must not gain or lose keys meanwhile.
func (it *mapIter) next() (key string, v *Value, ok bool) {
	keys, vals := it.m.keys, it.m.vals
	if b := it.m.big; b != nil {
		for it.ci < len(b.chunks) && it.i >= len(b.chunks[it.ci].keys) {
			it.ci, it.i = it.ci+1, 0
		}
		if it.ci >= len(b.chunks) {
			return "", nil, false
		}
		keys, vals = b.chunks[it.ci].keys, b.chunks[it.ci].vals
	}
	if it.i >= len(keys) {
		return "", nil, false
	}
	key, v = keys[it.i], &vals[it.i]
	it.i++
	return key, v, true
}

// copyMap makes a shallow, unique copy; the children become shared.
func (vm *machine) copyMap(m *mapObj) (*mapObj, error) {
	n := m.len()
	if err := vm.charge(int64(n) >> 4); err != nil {
		return nil, err
	}
	if err := vm.alloc(mapBytes(n)); err != nil {
		return nil, err
	}
	if m.depth > 1 {
		for it := m.iter(); ; {
			_, v, ok := it.next()
			if !ok {
				break
			}
			share(*v)
		}
	}
	if b := m.big; b != nil {
		c := &mapObj{hdr: hdr{kind: KindMap, flags: freshFlags, depth: m.depth}, own: true}
		c.big = &bigMap{n: b.n, chunks: make([]*chunk, len(b.chunks))}
		for i, ch := range b.chunks {
			c.big.chunks[i] = &chunk{
				keys: append([]string(nil), ch.keys...),
				vals: append([]Value(nil), ch.vals...),
			}
		}
		return c, nil
	}
	if m.own && m.flags&flagFrozen == 0 {
		// From now on both share the key vector, and each counts it: the other may be gone tomorrow.
		m.own = false
		m.flags |= flagKeyed
	}
	c := newShaped(m.keys[:n:n])
	c.depth = m.depth
	c.flags |= m.flags & flagKeyed
	copy(c.vals, m.vals)
	return c, nil
}

// EachEntry calls yield for each entry in key order until it returns false, and reports whether the value
// is a map. The values are borrowed: they are valid until the script changes the map.
func (v Value) EachEntry(yield func(key string, v Value) bool) bool {
	v = v.untag()
	if v.kind() != KindMap {
		return false
	}
	for it := v.mp().iter(); ; {
		k, e, ok := it.next()
		if !ok || !yield(k, *e) {
			return true
		}
	}
}

// Get returns the value of a map's key.
func (v Value) Get(key string) (Value, bool) {
	v = v.untag()
	if v.kind() != KindMap {
		return Value{}, false
	}
	e, ok := v.mp().get(key)
	return share(e), ok
}

// Len is the number of elements, keys, bytes or characters; 0 for scalars.
func (v Value) Len() int {
	v = v.untag()
	switch v.kind() {
	case KindString:
		return v.charLen()
	case KindArray:
		return len(v.arr().v)
	case KindBlob:
		return len(v.blob().b)
	case KindMap:
		return v.mp().len()
	}
	return 0
}

// sortStrings is an insertion sort over halves: the engine's own, so that the
// order of equal work is the same everywhere.
func sortStrings(a []string) {
	if len(a) < 12 {
		for i := 1; i < len(a); i++ {
			for j := i; j > 0 && a[j] < a[j-1]; j-- {
				a[j], a[j-1] = a[j-1], a[j]
			}
		}
		return
	}
	mid := len(a) / 2
	l := append([]string(nil), a[:mid]...)
	r := a[mid:]
	sortStrings(l)
	sortStrings(r)
	for i, j, k := 0, 0, 0; i < len(l); k++ {
		if j < len(r) && r[j] < l[i] {
			a[k] = r[j]
			j++
		} else {
			a[k] = l[i]
			i++
		}
	}
}
