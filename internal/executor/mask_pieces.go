package executor

import (
	"maps"
	"slices"
	"sort"
	"strings"
)

// pieces are texts that are hidden, each with the mark that stands in its place.
// They are looked for at every byte of a text, also within one that was found:
// strings.Replacer goes on behind it, and leaves the rest of one that overlaps it.
type pieces struct {
	list  []piece    // sorted by text
	first [257]int32 // where in list the pieces with that first byte begin
}

type piece struct {
	text, mark string
	shorter    int32 // the longest other piece that this one begins with; -1: none
}

// index makes pieces of texts that are not empty and their marks.
func index(marks map[string]string) *pieces {
	p := &pieces{list: make([]piece, 0, len(marks))}
	var prefixes []int32 // of the last piece, the shortest first
	for i, text := range slices.Sorted(maps.Keys(marks)) {
		for len(prefixes) > 0 && !strings.HasPrefix(text, p.list[prefixes[len(prefixes)-1]].text) {
			prefixes = prefixes[:len(prefixes)-1]
		}
		shorter := int32(-1)
		if len(prefixes) > 0 {
			shorter = prefixes[len(prefixes)-1]
		}
		prefixes = append(prefixes, int32(i))
		p.list = append(p.list, piece{text, marks[text], shorter})
		p.first[int(text[0])+1]++
	}
	for b := range 256 {
		p.first[b+1] += p.first[b]
	}
	return p
}

// longest returns the longest piece that text, which is not empty, begins with, or nil.
func (p *pieces) longest(text string) *piece {
	from, to := p.first[text[0]], p.first[int(text[0])+1]
	if from == to {
		return nil
	}
	// What stands between a prefix of text and text begins with that prefix, too. So
	// every piece that text begins with is the last one that is not behind it, or
	// one of those which that one begins with.
	list := p.list[from:to]
	last := from + int32(sort.Search(len(list), func(i int) bool { return list[i].text > text })) - 1
	if last < from {
		return nil
	}
	common, most := 0, p.list[last].text
	for common < min(len(most), len(text)) && most[common] == text[common] {
		common++
	}
	for i := last; i >= 0; i = p.list[i].shorter {
		if len(p.list[i].text) <= common {
			return &p.list[i]
		}
	}
	return nil
}

// hide returns text with every byte that belongs to a piece hidden. A mark is not
// repeated where pieces with the same one touch or overlap.
func (p *pieces) hide(text string) string {
	var out strings.Builder
	end := 0 // of what has been written or hidden
	mark := ""
	for i := range len(text) {
		found := p.longest(text[i:])
		if found == nil || i+len(found.text) <= end {
			continue
		}
		if i > end || mark != found.mark {
			if i > end {
				out.WriteString(text[end:i])
			}
			out.WriteString(found.mark)
		}
		end, mark = i+len(found.text), found.mark
	}
	if end == 0 {
		return text
	}
	out.WriteString(text[end:])
	return out.String()
}
