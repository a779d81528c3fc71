#!/usr/bin/perl

# Weir: brings C into a shape in which only statements, blocks and their lines
# count: what stands inside parentheses or goes on with an operator is one
# line.  scripts/lint compares this shape of a file with that of what
# clang-format makes of it.  Reads standard input, writes standard output.

use strict;
use warnings;

local $/;
my $text = <STDIN>;
my $out = '';
my $depth = 0;

while ($text =~ m{\G(
        /\* .*? \*/ | // [^\n]*
      | "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*'
      | ^\#(?:\\\n|[^\n])*
      | \n
      | .)}gsxm)
{
    my $t = $1;

    $depth++ if $t eq '(' || $t eq '[';
    $depth-- if $t eq ')' || $t eq ']';

    # a macro is one line, and how it is broken is its own business

    $t =~ s/[ \t]*\\\n[ \t]*|(?<=;)[ \t]+//g if $t =~ /^#/;

    $out .= $t eq "\n" && $depth > 0 ? ' ' : $t;
}

my $operator = qr{\.[a-z]|[?:](?:\s|$)|&&|\|\||[+*/%&|^<>=!-]=?\s};

$out =~ s/\n\s*(?=$operator)/ /g;
$out =~ s/\)\n\s*\(/)(/g;
$out =~ s/\{\s*\/\*\s*void\s*\*\/\s*\}/{}/g;
$out =~ s/\{[ ]*([^;{}\n]*;)[ ]*\}/{\n$1\n}/g;
$out =~ s/^([ ]*(?:case\b[^:?\n]*|default[ ]*):)[ ]*(?=\S)/$1\n/gm
    for 1 .. 20;
$out =~ s/(\benum\b[^;{}]*\{[^{}]*\})/$1 =~ s,\s+, ,gr/ge;
$out =~ s/;[ ]+(?=[a-z])/;\n/gi;
$out =~ s/[ \t]+//g;

print $out;
