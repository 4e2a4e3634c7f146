from django.db import migrations, models
import django.db.models.deletion


class Migration(migrations.Migration):

    dependencies = [
        ('detection', '0002_readings_watched'),
    ]

    operations = [
        migrations.CreateModel(
            name='Judgement',
            fields=[
                ('id', models.CharField(max_length=26, primary_key=True, serialize=False)),
                ('verdict', models.CharField(max_length=12)),
                ('duplicate_of', models.CharField(blank=True, default='', max_length=26)),
                ('reason', models.CharField(max_length=300)),
                ('by', models.CharField(max_length=26)),
                ('unit', models.CharField(blank=True, default='', max_length=80)),
                ('role', models.CharField(blank=True, default='', max_length=32)),
                ('at', models.DateTimeField()),
                ('detection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='judgements', to='detection.detection')),
            ],
            options={
                'indexes': [models.Index(fields=['detection', 'at'], name='judgement_newest')],
            },
        ),
        migrations.CreateModel(
            name='Outcome',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=20)),
                ('matter_id', models.CharField(max_length=26)),
                ('at', models.DateTimeField()),
                ('detection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='outcomes', to='detection.detection')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('detection', 'kind', 'matter_id'), name='outcome_once')],
            },
        ),
    ]
