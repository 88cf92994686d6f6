package rhai

import (
	"math/bits"
	"slices"
	"strings"
)

var sortBuiltins = []builtin{
	{
		"sort(mut array: array) -> ()", "Sorts numbers, texts, characters or bools of one type, stably and in ascending order.", `let a = [3, 1, 2]; a.sort(); a // [1, 2, 3]`, 0,
		func(c *Call) (Value, error) { return Value{}, c.sortNatural(c.slot().arr(), false) },
	},
	{
		"sort_desc(mut array: array) -> ()", "Sorts in descending order.", `let a = [3, 1, 2]; a.sort_desc(); a // [3, 2, 1]`, 0,
		func(c *Call) (Value, error) { return Value{}, c.sortNatural(c.slot().arr(), true) },
	},
	{
		"sort|sort_by(mut array: array, compare: Fn) -> ()", "Sorts, stably, by a function that answers a negative number or true if its first argument comes first.",
		`let a = ["bb", "a"]; a.sort(|x, y| x.len - y.len); a // ["a", "bb"]`, CallsBack, libSortBy,
	},
	{
		"sort(mut array: array, compare: string) -> ()", "Sorts by the function of that name.",
		`fn by_len(x, y) { x.len - y.len } let a = ["bb", "a"]; a.sort("by_len"); a // ["a", "bb"]`, CallsBack, libSortBy,
	},
	{
		"order(ref array: array) -> array", "Returns a sorted copy.", `[3, 1, 2].order() // [1, 2, 3]`, 0,
		func(c *Call) (Value, error) {
			return c.ordered(func(a *arrayObj) error { return c.sortNatural(a, false) })
		},
	},
	{
		"order_desc(ref array: array) -> array", "Returns a copy sorted in descending order.", `[3, 1, 2].order_desc() // [3, 2, 1]`, 0,
		func(c *Call) (Value, error) {
			return c.ordered(func(a *arrayObj) error { return c.sortNatural(a, true) })
		},
	},
	{
		"order|order_by(ref array: array, compare: Fn) -> array", "Returns a copy sorted by a function.", `["bb", "a"].order(|x, y| x.len - y.len) // ["a", "bb"]`, CallsBack,
		func(c *Call) (Value, error) {
			return c.ordered(func(a *arrayObj) error { return c.sortBy(a, c.Arg(1)) })
		},
	},
}

// ordered sorts a copy of the receiver.
func (c *Call) ordered(sort func(*arrayObj) error) (Value, error) {
	a, err := c.vm.copyArray(c.array(0))
	if err != nil {
		return Value{}, err
	}
	return a.value(), sort(a)
}

func (c *Call) sortNatural(a *arrayObj, descending bool) error {
	if len(a.v) <= 1 {
		return nil
	}
	if err := c.Charge(len(a.v) * bits.Len(uint(len(a.v))) >> 2); err != nil {
		return err
	}
	kind := typeName(a.v[0])
	for _, v := range a.v[1:] {
		if typeName(v) != kind {
			return newError(ErrFunctionNotFound, "elements of different types cannot be sorted")
		}
	}
	var compare func(x, y Value) int
	texts := false
	switch a.v[0].Kind() {
	case KindUnit:
		return nil
	case KindInt:
		if done, err := c.sortInts(a, descending); done || err != nil {
			return err
		}
		compare = func(x, y Value) int { return order(x.int(), y.int()) }
	case KindBool, KindChar:
		compare = func(x, y Value) int { return order(x.n, y.n) }
	case KindFloat:
		compare = func(x, y Value) int { // NaN is equal to everything here
			switch f, g := x.float(), y.float(); {
			case f < g:
				return -1
			case f > g:
				return 1
			}
			return 0
		}
	case KindString:
		texts = true
		compare = func(x, y Value) int { return strings.Compare(x.str(), y.str()) }
	default:
		return newError(ErrFunctionNotFound, "elements of "+internalTypeName(a.v[0])+" cannot be sorted")
	}
	sign := 1
	if descending {
		sign = -1
	}
	steps := 0
	return c.mergeSort(a, func(x, y Value) (int, error) {
		if steps++; steps%pollEvery == 0 {
			if err := c.vm.poll(); err != nil {
				return 0, err
			}
		}
		x, y = x.untag(), y.untag()
		if texts {
			if err := c.Charge(min(x.strLen(), y.strLen()) >> 6); err != nil {
				return 0, err
			}
		}
		return sign * compare(x, y), nil
	})
}

// sortInts sorts plain integers, of which equal ones cannot be told apart, as numbers. It does nothing if one has a tag.
func (c *Call) sortInts(a *arrayObj, descending bool) (done bool, err error) {
	for _, v := range a.v {
		if !v.isInt() {
			return false, nil
		}
	}
	if err := c.Alloc(8 * len(a.v)); err != nil {
		return false, err
	}
	numbers := make([]int64, len(a.v))
	for i, v := range a.v {
		numbers[i] = v.int()
	}
	if err := c.sortNumbers(numbers); err != nil {
		return false, err
	}
	if descending {
		slices.Reverse(numbers)
	}
	for i, n := range numbers {
		a.v[i].n = uint64(n)
	}
	return true, nil
}

// sortNumbers sorts parts that take no time worth speaking of, and joins them.
func (c *Call) sortNumbers(numbers []int64) error {
	const part = 1 << 16
	n := len(numbers)
	for lo := 0; lo < n; lo += part {
		if err := c.vm.poll(); err != nil {
			return err
		}
		slices.Sort(numbers[lo:min(lo+part, n)])
	}
	if n <= part {
		return nil
	}
	if err := c.Alloc(8 * n); err != nil {
		return err
	}
	from, to := numbers, make([]int64, n)
	for width := part; width < n; width *= 2 {
		for lo := 0; lo < n; lo += 2 * width {
			mid, hi := min(lo+width, n), min(lo+2*width, n)
			if err := c.mergeNumbers(to[lo:hi], from[lo:mid], from[mid:hi]); err != nil {
				return err
			}
		}
		from, to = to, from
	}
	copy(numbers, from)
	return nil
}

func (c *Call) mergeNumbers(to, left, right []int64) error {
	i, j := 0, 0
	for k := range to {
		if k%pollEvery == 0 {
			if err := c.vm.poll(); err != nil {
				return err
			}
		}
		if j == len(right) || i < len(left) && left[i] <= right[j] {
			to[k] = left[i]
			i++
		} else {
			to[k] = right[j]
			j++
		}
	}
	return nil
}

func libSortBy(c *Call) (Value, error) {
	f, err := c.callback(1)
	if err != nil {
		return Value{}, err
	}
	return Value{}, c.sortBy(c.slot().arr(), f)
}

// sortBy sorts with a script's comparison: an integer's sign, or a bool that says the first comes first.
// A comparison that fails or answers something else orders the values by their types.
func (c *Call) sortBy(a *arrayObj, f Value) error {
	var pair [2]Value
	return c.mergeSort(a, func(x, y Value) (int, error) {
		pair = [2]Value{share(x), share(y)}
		v, err := c.Invoke(f, pair[:]...)
		if err != nil {
			if err = c.swallow(err); err != nil {
				return 0, err
			}
		} else {
			v = v.untag()
			switch {
			case v.isInt():
				return order(v.int(), 0), nil
			case v.isBool() && v.bool():
				return -1, nil
			case v.isBool():
				return 1, nil
			}
		}
		return order(int64(x.Kind()), int64(y.Kind())), nil
	})
}

// mergeSort sorts a unique array stably. It does at most n*log2(n) comparisons whatever they answer (n*n/2 for up to 20 elements), so an
// inconsistent comparison gives some order but always an end, and no element is lost. The comparison gets the element that
// comes later first, as the reference's does. On an error the array is unchanged.
func (c *Call) mergeSort(a *arrayObj, compare func(later, earlier Value) (int, error)) error {
	n := len(a.v)
	if n <= 1 {
		return nil
	}
	if err := c.Alloc(2 * n * valueSize); err != nil {
		return err
	}
	from, to := append(make([]Value, 0, n), a.v...), make([]Value, n)
	run := 4
	if n <= 20 {
		run = n
	}
	for lo := 0; lo < n; lo += run {
		if err := insertionSort(from[lo:min(lo+run, n)], compare); err != nil {
			return err
		}
	}
	for width := run; width < n; width *= 2 {
		for lo := 0; lo < n; lo += 2 * width {
			mid, hi := min(lo+width, n), min(lo+2*width, n)
			if err := merge(to[lo:hi], from[lo:mid], from[mid:hi], compare); err != nil {
				return err
			}
		}
		from, to = to, from
	}
	copy(a.v, from)
	return nil
}

func insertionSort(v []Value, compare func(later, earlier Value) (int, error)) error {
	for i := 1; i < len(v); i++ {
		x, j := v[i], i
		for ; j > 0; j-- {
			cmp, err := compare(x, v[j-1])
			if err != nil {
				return err
			}
			if cmp >= 0 {
				break
			}
			v[j] = v[j-1]
		}
		v[j] = x
	}
	return nil
}

// merge joins two sorted runs; equal elements of the left run come first.
func merge(to, left, right []Value, compare func(later, earlier Value) (int, error)) error {
	if len(left) > 0 && len(right) > 0 { // runs already in order need one comparison
		cmp, err := compare(right[0], left[len(left)-1])
		if err != nil {
			return err
		}
		if cmp >= 0 {
			copy(to[copy(to, left):], right)
			return nil
		}
	}
	for len(left) > 0 && len(right) > 0 {
		cmp, err := compare(right[0], left[0])
		if err != nil {
			return err
		}
		if cmp >= 0 {
			to[0], left = left[0], left[1:]
		} else {
			to[0], right = right[0], right[1:]
		}
		to = to[1:]
	}
	copy(to[copy(to, left):], right)
	return nil
}
