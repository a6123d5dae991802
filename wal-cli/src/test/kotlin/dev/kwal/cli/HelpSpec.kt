package dev.kwal.cli

import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldContainInOrder
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldMatch

class HelpSpec :
    StringSpec({
        val commands = listOf("info", "ls", "dump", "tail", "verify", "backup", "salvage")

        for (command in commands) {
            "the help of $command reads like a page of the manual" {
                val help = kwal(command, "--help")
                help.lines.filter { it.isNotEmpty() && it == it.uppercase() && !it.startsWith(" ") } shouldBe
                    listOf("NAME", "SYNOPSIS", "DESCRIPTION", "ARGUMENTS", "OPTIONS", "EXIT STATUS", "EXAMPLES")
                help.lines[1] shouldMatch "  kwal-$command - .+"
                help.lines.all { it.length <= 100 } shouldBe true
                help.errors shouldBe ""
                help.code shouldBe 0
            }
        }

        "the first page names every command" {
            val help = kwal("--help")
            help.lines.filter { it.startsWith("  ") }.map { it.trim().substringBefore(' ') } shouldContainInOrder
                commands
            help.code shouldBe 0
        }

        "the version is that of the build" {
            kwal("--version").text shouldMatch "kwal \\d+\\.\\d+\\.\\d+.*\n"
        }

        "a command line that makes no sense gets two lines and code 2" {
            kwal().code shouldBe 2
            kwal("dump", "--what", "x").code shouldBe 2
            val unknown = kwal("purge", "x")
            unknown.errors shouldContain "kwal: Unmatched argument"
            unknown.errors shouldContain "'kwal --help' tells what is understood"
            unknown.code shouldBe 2
        }
    })
