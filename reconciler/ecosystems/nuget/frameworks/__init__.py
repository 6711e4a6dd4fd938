"""Target frameworks of NuGet: https://learn.microsoft.com/en-us/nuget/reference/target-frameworks.

names.py        what a text names: "net8.0", ".NETFramework4.8", ".NETCoreApp,Version=v8.0"
equivalents.py  frameworks that are one under several names
portable.py     frameworks that stand for several: portable class libraries
compatible.py   what a project for one framework can use
nearest.py      which of several it uses
"""
