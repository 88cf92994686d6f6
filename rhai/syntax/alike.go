package syntax

// Alike tells whether two names differ so little that one may be a misspelling of the other, and by how many characters
// to insert, delete, replace or exchange with their neighbour.
func Alike(a, b string) (distance int, ok bool) {
	if a == b || min(len(a), len(b)) < 3 {
		return 0, false
	}
	limit := 1
	if len(a) > 7 {
		limit = 2
	}
	distance = editDistance(a, b)
	return distance, distance <= limit
}

// editDistance is the number of characters to insert, delete, replace or exchange that makes b of a; more than 2 is 3.
func editDistance(a, b string) int {
	if len(a)-len(b) > 2 || len(b)-len(a) > 2 || len(a) > 60 {
		return 3
	}
	var rows [3][64]uint8 // of the beginnings of a, the last three, and those of b
	before, last, next := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = uint8(j)
	}
	for i := 1; i <= len(a); i++ {
		next[0] = uint8(i)
		least := next[0]
		for j := 1; j <= len(b); j++ {
			n := last[j-1]
			if a[i-1] != b[j-1] {
				n = 1 + min(n, last[j], next[j-1])
				if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
					n = min(n, before[j-2]+1)
				}
			}
			next[j] = n
			least = min(least, n)
		}
		if least > 3 {
			return 3 // an exchange takes one back at most
		}
		before, last, next = last, next, before
	}
	return min(3, int(last[len(b)]))
}
