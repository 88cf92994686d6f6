package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/picloud/picloud/rhai/syntax"
)

// errUnformatted says that fmt -l listed files.
var errUnformatted = errors.New("rhai fmt: the files above are not formatted")

// format prints sources in the standard layout, writes them back or lists those that have another.
func format(args []string, in io.Reader, out io.Writer) error {
	write, list := false, false
	var names []string
	for _, arg := range args {
		switch {
		case arg == "-w":
			write = true
		case arg == "-l":
			list = true
		case unknownFlag([]string{arg}) != "":
			return wrongUsage(fmt.Sprintf("rhai fmt: unknown flag %s\n", arg))
		default:
			names = append(names, arg)
		}
	}
	if len(names) == 0 {
		return errUsage
	}
	var errs []error
	changed := false
	for _, name := range names {
		src, err := readFile(name, in)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		first, body, code := cutShellLine(src)
		if first != "" {
			first = strings.TrimRight(first, "\r") + "\n"
		}
		text, err := syntax.Format(body, syntax.Options{})
		if err != nil {
			_, err = syntax.Parse(code, syntax.Options{}) // for the numbers of the lines
			errs = append(errs, explain(name, code, err))
			continue
		}
		text = first + text
		if list && text != src {
			changed = true
			fmt.Fprintln(out, name)
		}
		switch {
		case write && name != "-":
			if text != src {
				err = replaceFile(name, text)
			}
		case !list:
			_, err = io.WriteString(out, text)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	if changed && !write {
		errs = append(errs, errUnformatted)
	}
	return errors.Join(errs...)
}

// replaceFile puts a text in the place of a file, or leaves the file as it was.
func replaceFile(name, text string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if name, err = filepath.EvalSymlinks(name); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".rhai-fmt-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err = f.WriteString(text); err == nil {
		err = f.Chmod(info.Mode().Perm())
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
