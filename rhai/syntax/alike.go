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
	var d [61][64]int // of the beginnings of a and b
	for i := range len(a) + 1 {
		d[i][0] = i
	}
	for j := range len(b) + 1 {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			d[i][j] = d[i-1][j-1]
			if a[i-1] != b[j-1] {
				d[i][j] = 1 + min(d[i-1][j-1], d[i-1][j], d[i][j-1])
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return min(3, d[len(a)][len(b)])
}
