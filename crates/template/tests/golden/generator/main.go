// Writes down what Go's own template packages make of the cases in the directory above.
//
// Each file of cases is a list of lines: a word, a space, and the rest.
//
//	data JSON       the data of the cases below; @page is the host object of host.go
//	file NAME TEXT  a template file for the next case
//	text TEXT       a case for text/template
//	html TEXT       a case for html/template
//	both TEXT       both
//
// In a TEXT, ⏎ is a newline. For each case a line of JSON is written to the file of the same name
// with the ending .expected: ["ok", output], ["parse", message] or ["render", message].
//
//	go run . ../cases ../expected
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	html "html/template"
	"os"
	"path/filepath"
	"strings"
	text "text/template"
)

type named struct{ name, body string }

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: generator CASES EXPECTED")
		os.Exit(2)
	}
	paths, err := filepath.Glob(filepath.Join(os.Args[1], "*.txt"))
	check(err)
	for _, path := range paths {
		cases, err := os.ReadFile(path)
		check(err)
		base := strings.TrimSuffix(filepath.Base(path), ".txt")
		out := filepath.Join(os.Args[2], base+".expected")
		check(os.WriteFile(out, expectations(path, string(cases)), 0o644))
	}
}

func expectations(path, cases string) []byte {
	var out bytes.Buffer
	var data any
	var files []named
	for number, line := range strings.Split(strings.TrimRight(cases, "\n"), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		rest = strings.ReplaceAll(rest, "⏎", "\n")
		switch word {
		case "data":
			data = nil
			if rest == "@page" {
				data = page()
			} else if err := json.Unmarshal([]byte(rest), &data); err != nil {
				check(fmt.Errorf("%s:%d: %w", path, number+1, err))
			}
			continue
		case "file":
			name, body, _ := strings.Cut(rest, " ")
			files = append(files, named{name, body})
			continue
		case "text":
			write(&out, asText(files, rest, data))
		case "html":
			write(&out, asHTML(files, rest, data))
		case "both":
			write(&out, asText(files, rest, data))
			write(&out, asHTML(files, rest, data))
		default:
			check(fmt.Errorf("%s:%d: no such word: %s", path, number+1, word))
		}
		files = nil
	}
	return out.Bytes()
}

func asText(files []named, inline string, data any) [2]string {
	set := text.New("").Option("missingkey=zero").Funcs(text.FuncMap(functions))
	for _, file := range files {
		if _, err := set.New(file.name).Parse(file.body); err != nil {
			return [2]string{"parse", err.Error()}
		}
	}
	one, err := set.New("").Parse(inline)
	if err != nil {
		return [2]string{"parse", err.Error()}
	}
	var out bytes.Buffer
	if err := one.Execute(&out, data); err != nil {
		return [2]string{"render", err.Error()}
	}
	return [2]string{"ok", out.String()}
}

func asHTML(files []named, inline string, data any) [2]string {
	set := html.New("").Option("missingkey=zero").Funcs(html.FuncMap(functions))
	for _, file := range files {
		if _, err := set.New(file.name).Parse(file.body); err != nil {
			return [2]string{"parse", err.Error()}
		}
	}
	one, err := set.New("").Parse(inline)
	if err != nil {
		return [2]string{"parse", err.Error()}
	}
	var out bytes.Buffer
	if err := one.Execute(&out, data); err != nil {
		return [2]string{"render", err.Error()}
	}
	return [2]string{"ok", out.String()}
}

func write(out *bytes.Buffer, result [2]string) {
	line, err := json.Marshal(result)
	check(err)
	out.Write(line)
	out.WriteByte('\n')
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
